"""Programs that tests need and the machine lacks, unpacked from Debian; nothing is installed."""

import platform
import shutil
from collections.abc import Callable
from pathlib import Path

from forkbot.errors import ForkbotError, MachineError
from forkbot.verify.apt import Source, archives, read_sources


def from_debian(get: Callable[[Source, str], None]) -> None:
    """Call ``get`` with an archive of Debian's and the suite, until one gives what is wanted.

    The archives are those that the machine's own apt asks. Raises ``MachineError`` when none gives,
    or the machine is no Debian.
    """
    try:
        machine = platform.freedesktop_os_release()
    except OSError:
        machine = {"PRETTY_NAME": platform.system()}
    codename = machine.get("VERSION_CODENAME", "")
    sources = archives(read_sources(Path("/etc/apt")), codename=codename)
    if machine.get("ID") != "debian" or not sources or shutil.which("apt-get") is None:
        raise MachineError(
            f"it is not on PATH, and this machine ({machine['PRETTY_NAME']}) is no Debian with "
            "an archive of Debian's in apt's sources, from which it would be unpacked here"
        )
    refusals = []
    for source in sources:
        try:
            get(source, codename)
        except ForkbotError as e:
            refusals.append(f"{source.uris[0]}: {e.what}")
        else:
            return
    raise MachineError("; ".join(refusals))
