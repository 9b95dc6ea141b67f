"""A file of a stack as bytes or text; what cannot be read is told with what to do about it."""

from pathlib import Path

from forkbot.errors import MachineError, UsageError


def read_bytes(path: Path, *, missing: str | None = None) -> bytes:
    """Return a file's bytes. ``missing`` is the hint when there is no such file."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as e:
        raise UsageError("the file is missing", where=str(path), hint=missing) from e
    except IsADirectoryError as e:
        raise UsageError(
            "a folder stands where the file should be", where=str(path), hint=missing
        ) from e
    except OSError as e:
        raise MachineError(
            f"cannot read this file: {e.strerror}", where=str(path), hint=f"ls -l {path}"
        ) from e


def read_text(path: Path, *, missing: str | None = None) -> str:
    """Return a file's text, with the line of the first byte that is not UTF-8 in the error."""
    data = read_bytes(path, missing=missing)
    try:
        return data.decode()
    except UnicodeDecodeError as e:
        raise UsageError(
            f"not UTF-8: the byte 0x{data[e.start]:02x}",
            where=f"{path}:{data.count(10, 0, e.start) + 1}",
            hint="save the file as UTF-8",
        ) from e
