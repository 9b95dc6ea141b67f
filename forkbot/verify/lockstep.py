"""Whether a graph holds each patched crate once, and from its fork: read from what cargo resolved.

Cargo leaves a patch that it cannot use out of the graph and only warns; so does it with one that
fits beside another copy. Both builds are green, and prove nothing of the fork (law 4).
"""

import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping

from forkbot.cargo import Lock, Metadata, Node, Package

_WISHES = 5


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A copy of a patched crate that is not the fork's, and how it comes into the graph."""

    package: Package
    path: tuple[str, ...]  # from the project down to the copy, each with its version
    wanted: tuple[str, ...]  # who asks for it, and for which versions

    @property
    def way(self) -> str:
        """Return the path as people read it."""
        return " → ".join(self.path)

    @property
    def wishes(self) -> str:
        """Return who asks for which versions as people read it."""
        more = len(self.wanted) - _WISHES
        return "; ".join([*self.wanted[:_WISHES], *([f"{more} more"] if more > 0 else [])])


def lockstep_problems(
    metadata: Metadata, lock: Lock, *, crates: Collection[str]
) -> tuple[str, ...]:
    """Return what is wrong with the graph of a family whose forks of ``crates`` lie on disk."""
    unused = [
        f"patch {p.name} {p.version} was not used in the crate graph: nobody asks for that version"
        for p in lock.patch.unused
        if p.name in crates
    ]
    versions = {p.name: p.version for p in metadata.packages if p.source is None}
    return (*unused, *(_told(c, versions) for c in find_copies(metadata, crates, _on_disk)))


def _on_disk(package: Package) -> bool:
    return package.source is None


def _told(copy: Copy, forks: Mapping[str, str]) -> str:
    name = copy.package.name
    beside = f" {forks[name]}" if name in forks else ""
    wants = f" ({copy.wishes})" if copy.wanted else ""
    return (
        f"a second copy of {name}, {copy.package.version}, is built beside the fork's{beside}: "
        f"{copy.way}{wants}"
    )


def find_copies(
    metadata: Metadata, crates: Collection[str], ours: Callable[[Package], bool]
) -> tuple[Copy, ...]:
    """Return every copy of ``crates`` in the graph that is not ``ours``, with its shortest path."""
    by_id = {p.id: p for p in metadata.packages}
    nodes = {n.id: n for n in metadata.resolve.nodes}
    found = []
    for package in metadata.packages:
        if package.id in nodes and package.name in crates and not ours(package):
            ids = _path(package.id, nodes, roots=metadata.workspace_members)
            path = tuple(by_id[i].told for i in ids if not _is_scaffold(by_id[i]))
            askers = [by_id[n.id] for n in nodes.values() if package.id in n.dependencies]
            wanted = tuple(sorted(w for a in askers for w in _wishes(a, package)))
            found.append(Copy(package=package, path=path, wanted=wanted))
    return tuple(sorted(found, key=lambda c: c.path))


def _is_scaffold(package: Package) -> bool:
    """Whether it is one of the packages that the verify step writes: nobody knows their names."""
    return package.source is None and package.name.startswith("forkbot-build-")


def _path(goal: str, nodes: Mapping[str, Node], *, roots: Collection[str]) -> tuple[str, ...]:
    """Return the shortest way from a package of the workspace to ``goal``, both ends included."""
    seen: dict[str, tuple[str, ...]] = {r: (r,) for r in sorted(roots) if r in nodes}
    queue = list(seen)
    for one in queue:
        if one == goal:
            return seen[one]
        for other in _unseen(nodes[one], seen):
            seen[other] = (*seen[one], other)
            queue.append(other)
    return (goal,)


def _unseen(node: Node, seen: Collection[str]) -> Iterator[str]:
    yield from (d for d in sorted(node.dependencies) if d not in seen)


def _wishes(package: Package, wanted: Package) -> Iterator[str]:
    """Yield which versions of a crate a package asks for; it may ask under several names."""
    for req in dict.fromkeys(r.req for r in package.dependencies if r.name == wanted.name):
        if not _is_scaffold(package):
            yield f"{package.told} wants {req}"
