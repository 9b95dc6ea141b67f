"""The command line: parse, call, show, exit code. Nothing else reads the environment."""
