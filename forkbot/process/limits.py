"""How much a child may take, all it starts included, and who watches that it takes no more.

The system bounds each process, at twice as much (``inside`` sets that). What they take together
this watches, up to four times a second: where nobody lends control groups, as on most CI runners,
there is nobody else who adds it up. Linux only, where there is a /proc; elsewhere only time and
output are bounded.
"""

import contextlib
import dataclasses
import os
import time
from collections.abc import Iterator
from pathlib import Path

_PAUSE, _LONGEST_PAUSE = 0.25, 1.0  # seconds between two looks
_SHARE = 0.01  # of a core that looking may take: on a machine with many processes it takes longer
_SPARE = 512 << 20  # bytes of its disk that a child leaves to others
_STEPS = 8  # so many times a folder is measured while it grows to its limit
_FILES = 200_000  # that a folder may come to: a cold build of a family makes 10,000
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a child and all it starts may take, in bytes but for ``processes``."""

    memory: int  # in use at one time
    processes: int  # at one time, each of their threads counted
    disk: int  # that ``folder`` may come to
    output: int  # on each of its two streams
    folder: Path | None = None  # where it may write

    def alone(self) -> "Limits":
        """Return what the system lets one process have: the watch, which can tell, is to be first.

        This is for what it is too slow for.
        """
        return dataclasses.replace(
            self, memory=2 * self.memory, processes=2 * self.processes, disk=2 * self.disk
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """One process, as the kernel tells."""

    pid: int
    name: str
    threads: int


class Guard:
    """Looks at a child from time to time and says which limit it is past; '' while it is not."""

    def __init__(self, pid: int, limits: Limits) -> None:
        self.peak = 0  # bytes of memory in use at one time, as far as was looked
        self._pid = pid
        self._limits = limits
        self._next = 0.0
        self._disk = _Disk(limits.folder, limits.disk) if limits.folder is not None else None

    def look(self) -> str:
        """Return which limit the child is past; mostly '', as it looks only when it is time."""
        if time.monotonic() < self._next:
            return ""
        began = time.thread_time()
        why = self._memory() or (self._disk.look() if self._disk is not None else "")
        cost = time.thread_time() - began
        self._next = time.monotonic() + min(max(_PAUSE, cost / _SHARE), _LONGEST_PAUSE)
        return why

    def pause(self) -> float:
        """Return the seconds until the next look is worth it."""
        return max(0.0, self._next - time.monotonic())

    def _memory(self) -> str:
        tasks = list(_descent(self._pid))
        threads = sum(task.threads for task in tasks)
        if threads > self._limits.processes:
            names = [task.name for task in tasks]
            most = max(names, key=names.count)
            return f"it had {threads} processes and threads, most of them {most}, at one time"
        taken = {task: _in_use(task.pid) for task in tasks}
        self.peak = max(self.peak, sum(taken.values()))
        if sum(taken.values()) > self._limits.memory:
            first = max(taken, key=lambda task: taken[task])
            return f"it took more than {size(self._limits.memory)} of memory, {first.name} the most"
        return ""


class _Disk:
    """A folder that may take so much, measured only when its disk has lost room.

    To measure it costs more than all else that is looked at, and mostly nobody writes much.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self._folder = folder
        self._most = most
        self._free, self._free_files = _free(folder)

    def look(self) -> str:
        free, files = _free(self._folder)
        if free < _SPARE:
            return f"its disk has less than {size(_SPARE)} left"
        if self._free - free < self._most // _STEPS and self._free_files - files < _FILES // _STEPS:
            return ""
        self._free, self._free_files = free, files
        now, count = measure(self._folder)
        if now > self._most:
            return f"it filled its folder with more than {size(self._most)}"
        if count > _FILES:
            return f"it filled its folder with more than {_FILES} files"
        return ""


def size(count: int) -> str:
    """Return a number of bytes as people say it."""
    return f"{count / (1 << 30):.1f} GiB" if count >= 1 << 30 else f"{count >> 20} MiB"


def measure(folder: Path) -> tuple[int, int]:
    """Return what a folder takes of its disk, in bytes, and how many files it has."""
    total, seen, left = 0, set[int](), [folder]
    while left:
        with contextlib.suppress(OSError), os.scandir(left.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):  # gone, while it is counted
                    found = entry.stat(follow_symlinks=False)
                    if found.st_ino not in seen:  # cargo links what it made to a second name
                        seen.add(found.st_ino)
                        total += found.st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        left.append(Path(entry.path))
    return total, len(seen)


def _free(folder: Path) -> tuple[int, int]:
    told = os.statvfs(folder)
    return told.f_bavail * told.f_frsize, told.f_favail


def _descent(pid: int) -> Iterator[_Task]:
    """Yield a process and all that came of it; what a parent left behind is the namespace's."""
    tasks, children = dict[int, _Task](), dict[int, list[int]]()
    for number in _numbers():
        head, _, tail = _read(f"/proc/{number}/stat").rpartition(b")")
        fields = tail.split(None, 19)
        if fields:  # else it ended
            name = head.partition(b"(")[2].decode(errors="replace")
            tasks[number] = _Task(pid=number, name=name, threads=int(fields[17]))
            children.setdefault(int(fields[1]), []).append(number)
    left = [pid]
    while left:
        one = left.pop()
        if one in tasks:
            yield tasks[one]
        left += children.get(one, [])


def _in_use(pid: int) -> int:
    """Return the memory that is a process's own: not what it only maps from files."""
    fields = _read(f"/proc/{pid}/statm").split()
    return (int(fields[1]) - int(fields[2])) * _PAGE if fields else 0


def _numbers() -> list[int]:
    """Return the numbers of all processes; of none where they cannot be seen."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208 - it is names that are wanted
    except OSError:
        return []


def _read(path: str) -> bytes:
    """Return a small file of the kernel's at once; nothing of a process that ended."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(handle, 4096)
    except OSError:
        return b""
    finally:
        os.close(handle)
