"""The inside of ``seclusion``: builds the view that a child gets, enters it, becomes the child.

Run by its path in fresh namespaces, as ``inside.py <plan as JSON> <command…>``; it imports nothing
of forkbot's. The view is a root of its own: a tmpfs with bind mounts of what the plan names, all
read-only but what it says may be written, its own /proc (which shows no process but the child's)
and no more of /dev than a compiler needs. The old root is taken off, then every right to change
any of that is given up. What each process may take of the machine is set last; a plan without a
root asks for no more than that.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import socket
import struct
import sys
from pathlib import Path
from typing import TypedDict

# mount(2), mount_setattr(2), prctl(2), umount2(2)
_NOSUID, _NODEV, _NOEXEC, _BIND, _REC = 2, 4, 8, 4096, 16384
_DETACH = 2
_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE = 442, -100, 0x8000
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV = 1, 2, 4
_CAPBSET_DROP, _NO_NEW_PRIVS = 24, 38
_CAP_VERSION = 0x20080522
_DEVICES = ("null", "zero", "full", "random", "urandom")
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1  # netdevice(7)
_FAILED = 125
# What lies in the view's own folders, /tmp among them, is memory that no process is seen to have.
_ROOM = "size=1g,nr_inodes=100k"

_libc = ctypes.CDLL(None, use_errno=True)


class Plan(TypedDict):
    """What ``seclusion`` sends."""

    root: str  # an empty folder, to mount the new root on; '' for no view
    read: list[str]
    write: list[str]
    copies: dict[str, str]
    loopback: bool  # whether to put the namespace's own in service
    memory: int  # bytes, like the next
    file: int
    processes: int


def main() -> None:
    """Go inside."""
    plan: Plan = json.loads(sys.argv[1])
    here = str(Path.cwd())
    try:
        if plan["root"]:
            if plan["loopback"]:
                _raise_loopback()
            _build(plan)
            _enter(plan["root"], here)
            _bound_processes(plan["processes"])
            _give_up_rights()
        _bound(plan)
        os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - what this program is for
    except OSError as e:
        sys.stderr.write(f"error: cannot seclude {sys.argv[2]}: {e}\n")
    sys.exit(_FAILED)


def _check(answer: int, what: str) -> None:
    if answer != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def _mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    words = (source.encode(), target.encode(), kind.encode())
    _check(_libc.mount(*words, ctypes.c_ulong(flags), options.encode()), f"mount {target}")


def _restrict(target: str, *, read_only: bool) -> None:
    """Make a mount, and all below it, one without set-user-id programs and devices."""

    class Attributes(ctypes.Structure):
        _fields_ = [(n, ctypes.c_uint64) for n in ("set", "clear", "propagation", "namespace")]

    attributes = Attributes(set=_ATTR_NOSUID | _ATTR_NODEV | (_ATTR_RDONLY if read_only else 0))
    _check(
        _libc.syscall(
            ctypes.c_long(_MOUNT_SETATTR), ctypes.c_int(_AT_FDCWD), target.encode(),
            ctypes.c_uint(_AT_RECURSIVE), ctypes.byref(attributes),
            ctypes.c_size_t(ctypes.sizeof(attributes)),
        ),
        f"mount_setattr {target}",
    )  # fmt: skip


def _bind(path: str, root: str, *, read_only: bool) -> None:
    """Show ``path`` in the new root, where it is there; a link at the top stays a link."""
    target = Path(root + path)
    if target.parent == Path(root) and Path(path).is_symlink():  # /bin → usr/bin
        target.symlink_to(Path(path).readlink())
        return
    if not Path(path).exists():
        return
    if Path(path).is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    _mount(path, str(target), "", _BIND | _REC)
    _restrict(str(target), read_only=read_only)


def _build(plan: Plan) -> None:
    root = plan["root"]
    _mount("forkbot", root, "tmpfs", _NOSUID | _NODEV, f"mode=755,{_ROOM}")
    for path in plan["read"]:
        _bind(path, root, read_only=True)
    for path in plan["write"]:
        _bind(path, root, read_only=False)
    for name, text in plan["copies"].items():
        copy = Path(root + name)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text)
        copy.chmod(0o444)
    for name in ("proc", "dev", "tmp"):
        Path(root, name).mkdir(exist_ok=True)
    Path(root, "tmp").chmod(0o1777)
    _mount("proc", f"{root}/proc", "proc", _NOSUID | _NODEV | _NOEXEC)
    for name in _DEVICES:
        device = Path(root, "dev", name)
        device.touch()
        _mount(f"/dev/{name}", str(device), "", _BIND)
    for name, to in {"fd": "fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}.items():
        Path(root, "dev", name).symlink_to(f"/proc/self/{to}")


def _enter(root: str, here: str) -> None:
    """Make ``root`` the root, and leave nothing of the old one in reach."""
    os.chdir(root)
    _check(_libc.pivot_root(b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", _DETACH), "umount2")
    os.chdir(here if Path(here).is_dir() else "/")


def _raise_loopback() -> None:
    """Put the loopback of a fresh network in service, which brings its addresses with it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


def _give_up_rights() -> None:
    """Keep no capability, and get none back: not by a program, and not from being root."""
    for capability in range(64):
        if _libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break  # this kernel knows no more of them
    _check(_libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    header = (ctypes.c_uint32 * 2)(_CAP_VERSION, 0)
    none = (ctypes.c_uint32 * 6)()
    _check(_libc.capset(header, none), "capset")


def _bound_processes(most: int) -> None:
    """Bound what runs in this namespace at one time.

    A user's own processes are counted by the namespace of users since Linux 5.14; root's are
    bounded by their numbers, of which each namespace has its own since 6.14. Where neither holds
    there is still who watches.
    """
    _lower(resource.RLIMIT_NPROC, most)
    with contextlib.suppress(OSError):
        Path("/proc/sys/kernel/pid_max").write_bytes(b"%d" % most)


def _bound(plan: Plan) -> None:
    """Bound what each process alone may take.

    Not its addresses, of which wasmtime sets aside far more than it uses: its data.
    """
    _lower(resource.RLIMIT_DATA, plan["memory"])
    _lower(resource.RLIMIT_FSIZE, plan["file"])
    _lower(resource.RLIMIT_CORE, 0)


def _lower(what: int, most: int) -> None:
    _, highest = resource.getrlimit(what)
    bound = most if highest == resource.RLIM_INFINITY else min(most, highest)
    resource.setrlimit(what, (bound, bound))


if __name__ == "__main__":
    main()
