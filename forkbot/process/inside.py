"""The inside of ``seclusion``: builds the view that a child gets, enters it, becomes the child.

Run by its path in fresh namespaces, as ``inside.py OPTIONS -- COMMAND``, for every build and every
start of a component: so it imports nothing of forkbot's, and of Python's library only what is there
at once (json or pathlib alone would take as long as all the rest). The view is a root of its own: a
tmpfs with bind mounts of what the plan names, all read-only but what it says may be written, its
own /proc (which shows no process but the child's) and no more of /dev than a compiler needs. The
old root is taken off, then every right to change any of that is given up. What each process may
take of the machine is set last; a plan without a root asks for no more than that.
"""

# pathlib is one of those
# ruff: noqa: PTH101, PTH103, PTH109, PTH110, PTH112, PTH114, PTH115, PTH120, PTH123, PTH211

import ctypes
import fcntl
import os
import resource
import struct
import sys

# mount(2), mount_setattr(2), prctl(2), umount2(2)
_NOSUID, _NODEV, _NOEXEC, _BIND, _REC = 2, 4, 8, 4096, 16384
_DETACH = 2
_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE = 442, -100, 0x8000
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV = 1, 2, 4
_CAPBSET_DROP, _NO_NEW_PRIVS = 24, 38
_CAP_VERSION = 0x20080522
_DEVICES = ("null", "zero", "full", "random", "urandom")
_AF_INET, _SOCK_DGRAM = 2, 2  # socket(2)
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1  # netdevice(7)
_FAILED = 125
# What lies in the view's own folders, /tmp among them, is memory that no process is seen to have.
_ROOM = "size=1g,nr_inodes=100k"

_libc = ctypes.CDLL(None, use_errno=True)


class Plan:
    """What ``seclusion`` sends: options, each with a value, and a command after ``--``."""

    def __init__(self, words: list[str]) -> None:
        """Read it from the command line."""
        given: dict[str, list[str]] = {}
        left = iter(words)
        for option in left:
            if option == "--":
                break
            given.setdefault(option, []).append(next(left))
        self.command = list(left)
        self.root = given.get("--root", [""])[0]  # an empty folder, for the new root; '' for none
        self.read = given.get("--read", [])
        self.write = given.get("--write", [])
        self.copies = list(zip(given.get("--copy", []), given.get("--text", []), strict=True))
        self.loopback = "--loopback" in given  # whether to put the namespace's own in service
        self.memory, self.file, self.processes = (
            int(given[bound][0]) for bound in ("--memory", "--file", "--processes")
        )  # the first two in bytes


def main() -> None:
    """Go inside."""
    plan = Plan(sys.argv[1:])
    here = os.getcwd()
    try:
        if plan.root:
            if plan.loopback:
                _raise_loopback()
            _build(plan)
            _enter(plan.root, here)
            _bound_processes(plan.processes)
            _give_up_rights()
        _bound(plan)
        os.execv(plan.command[0], plan.command)  # noqa: S606 - what this program is for
    except OSError as e:
        sys.stderr.write(f"error: cannot seclude {plan.command[0]}: {e}\n")
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
    target = root + path
    if os.path.dirname(target) == root and os.path.islink(path):  # /bin → usr/bin
        os.symlink(os.readlink(path), target)
        return
    if not os.path.exists(path):
        return
    if os.path.isdir(path):
        os.makedirs(target, exist_ok=True)
    else:
        _write(target, "")
    _mount(path, target, "", _BIND | _REC)
    _restrict(target, read_only=read_only)


def _build(plan: Plan) -> None:
    root = plan.root
    _mount("forkbot", root, "tmpfs", _NOSUID | _NODEV, f"mode=755,{_ROOM}")
    for path in plan.read:
        _bind(path, root, read_only=True)
    for path in plan.write:
        _bind(path, root, read_only=False)
    for name, text in plan.copies:
        _write(root + name, text)
        os.chmod(root + name, 0o444)
    for name in ("proc", "dev", "tmp"):
        os.makedirs(f"{root}/{name}", exist_ok=True)
    os.chmod(f"{root}/tmp", 0o1777)  # noqa: S103, S108 - a /tmp as any
    _mount("proc", f"{root}/proc", "proc", _NOSUID | _NODEV | _NOEXEC)
    for name in _DEVICES:
        device = f"{root}/dev/{name}"
        _write(device, "")
        _mount(f"/dev/{name}", device, "", _BIND)
    for name, to in {"fd": "fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}.items():
        os.symlink(f"/proc/self/{to}", f"{root}/dev/{name}")


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def _enter(root: str, here: str) -> None:
    """Make ``root`` the root, and leave nothing of the old one in reach."""
    os.chdir(root)
    _check(_libc.pivot_root(b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", _DETACH), "umount2")
    os.chdir(here if os.path.isdir(here) else "/")


def _raise_loopback() -> None:
    """Put the loopback of a fresh network in service, which brings its addresses with it."""
    any_socket = _libc.socket(_AF_INET, _SOCK_DGRAM, 0)
    _check(min(any_socket, 0), "socket")
    fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
    os.close(any_socket)


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
    try:
        _write("/proc/sys/kernel/pid_max", str(most))
    except OSError:
        return


def _bound(plan: Plan) -> None:
    """Bound what each process alone may take.

    Not its addresses, of which wasmtime sets aside far more than it uses: its data.
    """
    _lower(resource.RLIMIT_DATA, plan.memory)
    _lower(resource.RLIMIT_FSIZE, plan.file)
    _lower(resource.RLIMIT_CORE, 0)


def _lower(what: int, most: int) -> None:
    _, highest = resource.getrlimit(what)
    bound = most if highest == resource.RLIM_INFINITY else min(most, highest)
    resource.setrlimit(what, (bound, bound))


if __name__ == "__main__":
    main()
