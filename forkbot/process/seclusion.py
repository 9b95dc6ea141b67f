"""A child in a view of its own: for upstream's code, which may look for what it can use.

It sees the files that it is shown and no others, no process but its own, and, unless it is given
one, no network: so no token in another process's environment, no credentials in a home, no
``.git/config``, no agent's socket. Linux only, by namespaces that any user may make; where they
are turned off ``why_not`` says so, and the caller decides.
"""

import ctypes
import dataclasses
import functools
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from forkbot.errors import MachineError, ProcessError, TimedOutError
from forkbot.process import run
from forkbot.process.limits import Limits

# Programs and libraries, as systems lay them out, and what of /etc it takes to run them.
_SYSTEM = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store",
    *(f"/etc/{name}" for name in (
        "alternatives", "group", "hosts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime",
        "nsswitch.conf", "os-release", "passwd", "ssl/certs", "ssl/openssl.cnf",
    )),
)  # fmt: skip
_UNSHARE = (
    "unshare", "--map-current-user", "--keep-caps", "--mount", "--pid", "--ipc", "--uts", "--fork",
    "--kill-child",
)  # fmt: skip
_SET_DUMPABLE = 4  # prctl(2)
_INSIDE = Path(__file__).with_name("inside.py")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a child sees besides the system's programs, each at its own place."""

    root: Path  # an empty folder that is there, to mount the view on; nothing is left in it
    read: Sequence[Path] = ()
    write: Sequence[Path] = ()
    copies: Mapping[Path, str] = dataclasses.field(
        default_factory=dict
    )  # files with another text than outside
    network: bool = False
    loopback: bool = False  # one of its own, for what speaks to itself; not with ``network``


# Far more than it takes to build or run anything here, for whoever names no limits.
WIDE = Limits(memory=1 << 40, processes=1 << 16, disk=1 << 40, output=1 << 30)


def secluded(argv: Sequence[str | Path], view: View, limits: Limits = WIDE) -> list[str | Path]:
    """Return the command that starts ``argv``, whose first is a path, in ``view``.

    Each of its processes is kept to ``limits``; what all take together ``run`` looks after.
    """
    # what lies in what is shown already is shown with it
    read: list[str] = []
    for path in sorted({*_SYSTEM, *map(str, view.read)}):
        if not any(path.startswith(f"{shown}/") for shown in read):
            read.append(path)
    plan = ["--root", str(view.root)]
    for path in read:
        plan += ["--read", path]
    for folder in view.write:
        plan += ["--write", str(folder)]
    for name, text in view.copies.items():
        plan += ["--copy", str(name), "--text", text]
    if view.loopback and not view.network:
        plan += ["--loopback", "yes"]
    alone = () if view.network else ("--net",)
    return [*_UNSHARE, *alone, "--", *_inside(plan, limits), *argv]


def bounded(argv: Sequence[str | Path], limits: Limits) -> list[str | Path]:
    """Return the command that starts ``argv`` with each of its processes kept to ``limits``.

    For systems that cannot seclude.
    """
    return [*_inside([], limits), *argv]


def _inside(plan: Sequence[str], limits: Limits) -> list[str | Path]:
    most = limits.alone()
    bounds = {"--memory": most.memory, "--file": most.disk, "--processes": most.processes}
    words = [word for bound, value in bounds.items() for word in (bound, str(value))]
    # -I -S: the child's environment and folder must not tell this Python what to import
    return [sys.executable, "-I", "-S", "-B", _INSIDE, *plan, *words, "--"]


@functools.cache
def why_not(path: str) -> str:
    """Return why this system cannot seclude a child, '' if it can. ``path`` is its PATH."""
    with tempfile.TemporaryDirectory(prefix="forkbot-view-") as root:
        argv = secluded(
            ["/bin/sh", "-c", "test $$ -lt 9 && test ! -e /root"], View(root=Path(root))
        )
        try:
            run(argv, env={"PATH": path}, timeout=20)
        except ProcessError as e:
            lines = e.last_words.splitlines() or ["namespaces that do not hold"]
            # unshare advises after its error; a fault of the inside ends with what it is
            return next((li for li in lines if li.startswith(_UNSHARE[0])), lines[-1])
        except (MachineError, TimedOutError) as e:
            return e.what
    return ""


def hide_memory() -> None:
    """Keep this process's memory, and the environment it was started with, from the same user.

    For builds where there is no seclusion, and whatever else runs beside. Linux alone has it.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)
