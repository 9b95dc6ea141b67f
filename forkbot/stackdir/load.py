"""``stacks/`` read whole: each stack, the shared defaults, and the family's order."""

import difflib
import graphlib
import hashlib
from collections.abc import Iterable
from pathlib import Path

from forkbot.errors import UsageError
from forkbot.model.stack import Patch, Policy, Stack
from forkbot.stackdir.document import Document, decode, overlay, read_document
from forkbot.stackdir.lock import FILE as LOCK_FILE
from forkbot.stackdir.lock import read_lock
from forkbot.stackdir.patches import parse_patch, read_series
from forkbot.stackdir.update import finish_update
from forkbot.words import Channel, StackName, parse_git_url, parse_stack_name

STACKS = "stacks"
DEFAULTS = "defaults.yaml"


def find_root(start: Path) -> Path:
    """Return the nearest folder from ``start`` up that holds ``stacks/``."""
    for folder in (start, *start.parents):
        if (folder / STACKS).is_dir():
            return folder
    raise UsageError(
        "there is no stacks/ folder here or above",
        where=str(start),
        hint="cd into a stacks repository, or name one with -C",
    )


def stack_names(root: Path) -> tuple[StackName, ...]:
    """Return the names of all stacks, sorted."""
    folders = (p for p in (root / STACKS).iterdir() if p.is_dir() and not p.name.startswith("."))
    return tuple(sorted(parse_stack_name(p.name) for p in folders))


def load_family(root: Path) -> tuple[Stack, ...]:
    """Return every stack, those that others depend on first."""
    defaults = root / STACKS / DEFAULTS
    shared = read_document(defaults) if defaults.exists() else None
    stacks = {name: _load(root, name, shared) for name in stack_names(root)}
    _check_depends(stacks, root)
    _check_branches(stacks.values(), root)
    graph = {name: stack.policy.depends for name, stack in stacks.items()}
    try:
        order = graphlib.TopologicalSorter(graph).static_order()
        return tuple(stacks[name] for name in order)
    except graphlib.CycleError as e:
        loop = " → ".join(e.args[1])
        raise UsageError(
            f"the stacks depend on each other in a circle: {loop}", where=str(root / STACKS)
        ) from e


def select(family: tuple[Stack, ...], names: Iterable[str], *, root: Path) -> tuple[Stack, ...]:
    """Return the named stacks in the family's order; all of them when none is named."""
    wanted = list(names)
    known = [s.name for s in family]
    for name in wanted:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            raise UsageError(
                f"there is no stack {name!r}",
                where=str(root / STACKS),
                hint=f"did you mean {close[0]!r}?" if close else f"stacks here: {', '.join(known)}",
            )
    return tuple(s for s in family if not wanted or s.name in wanted)


def closure(family: tuple[Stack, ...], chosen: tuple[Stack, ...]) -> tuple[Stack, ...]:
    """Return ``chosen`` and all they depend on, in the family's order."""
    by_name = {s.name: s for s in family}
    wanted = {s.name for s in chosen}
    todo = list(chosen)
    while todo:
        for name in todo.pop().policy.depends:
            if name not in wanted:
                wanted.add(name)
                todo.append(by_name[name])
    return tuple(s for s in family if s.name in wanted)


def stack_folder(root: Path, name: StackName) -> Path:
    """Return where a stack lives."""
    return root / STACKS / name


def _load(root: Path, name: StackName, shared: Document | None) -> Stack:
    folder = stack_folder(root, name)
    finish_update(folder)
    own = read_document(folder / "stack.yaml")
    document = overlay(shared, own)
    policy = decode(document, Policy)
    parse_git_url(policy.upstream.git, where=document.lines.get("$.upstream.git", str(own.path)))
    for channel in Channel:
        if channel not in policy.fork.branches:
            raise UsageError(
                f"fork.branches names no branch for the {channel.value} channel",
                where=document.lines.get("$.fork", str(own.path)),
                hint=f"add it there, or for all stacks in {STACKS}/{DEFAULTS}",
            )
    for smoke in policy.smoke:
        if not (folder / "smoke" / smoke.name / "Cargo.toml").is_file():
            raise UsageError(
                f"smoke component {smoke.name!r} has no smoke/{smoke.name}/Cargo.toml",
                where=document.lines.get("$.smoke", str(own.path)),
            )
    return Stack(
        name=name,
        policy=policy,
        patches=load_patches(folder),
        lock=read_lock(folder / LOCK_FILE),
        smoke_digest=_digest(folder / "smoke"),
    )


def load_patches(folder: Path) -> tuple[Patch, ...]:
    """Return a stack's patches in series order; no file unlisted, none missing."""
    series = folder / "patches" / "series"
    names = read_series(series)
    listed = {f"{name}.patch" for name in names}
    for path in sorted((folder / "patches").glob("*.patch")):
        if path.name not in listed:
            raise UsageError(
                f"{path.name} is not in the series, so it would silently be left out",
                where=str(series),
                hint=f"add it to {series}, or delete the file",
            )
    patches = []
    for name in names:
        path = folder / "patches" / f"{name}.patch"
        try:
            mail = path.read_bytes()
        except FileNotFoundError as e:
            raise UsageError(
                f"the series names {path.name}, and there is no such file", where=str(series)
            ) from e
        patches.append(parse_patch(name, mail, where=str(path)))
    return tuple(patches)


def _check_depends(stacks: dict[StackName, Stack], root: Path) -> None:
    for name, stack in stacks.items():
        for other in stack.policy.depends:
            if other not in stacks:
                close = difflib.get_close_matches(other, list(stacks), n=1)
                raise UsageError(
                    f"depends names {other!r}, and there is no such stack",
                    where=str(stack_folder(root, name) / "stack.yaml"),
                    hint=f"did you mean {close[0]!r}?" if close else None,
                )


def _check_branches(stacks: Iterable[Stack], root: Path) -> None:
    taken: dict[tuple[str, str], str] = {}
    for stack in stacks:
        for channel in Channel:
            place = (stack.policy.fork.repo, stack.branch(channel))
            owner = f"{stack.name} ({channel.value})"
            if place in taken:
                raise UsageError(
                    f"{owner} and {taken[place]} would both publish to {place[0]} {place[1]}",
                    where=str(stack_folder(root, stack.name) / "stack.yaml"),
                    hint="give each its own branch under fork.branches",
                )
            taken[place] = owner


def _digest(folder: Path) -> str:
    """Return a digest of a folder's files and names; '' when there is none."""
    if not folder.is_dir():
        return ""
    whole = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and "target" not in p.parts):
        whole.update(f"{path.relative_to(folder)}\0".encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()
