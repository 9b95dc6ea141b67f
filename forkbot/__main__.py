"""``python -m forkbot`` is the same as ``forkbot``."""

from forkbot.cli.main import main

if __name__ == "__main__":
    main()
