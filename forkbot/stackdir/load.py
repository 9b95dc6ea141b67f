"""``stacks/`` read whole: each stack, the shared defaults, and the family's order."""

import dataclasses
import difflib
import graphlib
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from forkbot.errors import UsageError
from forkbot.model.smoke import ControlPolicy, SmokePolicy
from forkbot.model.stack import Patch, Policy, Stack
from forkbot.stackdir.acknowledged import FILE as ACKNOWLEDGED
from forkbot.stackdir.acknowledged import read_acknowledged
from forkbot.stackdir.document import Document, decode, overlay, read_document
from forkbot.stackdir.lock import FILE as LOCK_FILE
from forkbot.stackdir.lock import read_lock
from forkbot.stackdir.patches import parse_patch
from forkbot.stackdir.reading import read_bytes
from forkbot.stackdir.resolutions import load_resolutions
from forkbot.stackdir.series import PATCHES, patches_of, read_series
from forkbot.stackdir.update import reading
from forkbot.words import STACK_NAME, Channel, StackName, parse_git_url

STACKS = "stacks"
DEFAULTS = "defaults.yaml"
POLICY = "stack.yaml"


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
    return tuple(_stack_name(folder) for folder in sorted(folders))


def _stack_name(folder: Path) -> StackName:
    if STACK_NAME.fits(folder.name):
        return StackName(folder.name)
    raise UsageError(
        f"{folder.name!r} is not a stack name",
        where=str(folder),
        hint=f"rename the folder, or move it out of {STACKS}/; a name: {STACK_NAME.rule}",
    )


def load_family(root: Path, channel: Channel | None = None) -> tuple[Stack, ...]:
    """Return every stack, those that others depend on first; as ``channel`` has it, if given."""
    shared = _read_defaults(root)
    loaded = {name: _load(root, name, shared) for name in stack_names(root)}
    _check_branches(loaded)
    graph = {name: [d for _, d in _depends(entry, loaded)] for name, entry in loaded.items()}
    try:
        order = [loaded[n].stack for n in graphlib.TopologicalSorter(graph).static_order()]
    except graphlib.CycleError as e:
        loop: list[StackName] = e.args[1]
        entry = loaded[loop[-1]]
        raise UsageError(
            f"the stacks depend on each other in a circle: {' → '.join(reversed(loop))}",
            where=next(where for where, d in _depends(entry, loaded) if d == loop[-2]),
            hint=f"take {loop[-2]!r} out of `depends` there, or break the circle elsewhere",
        ) from e
    return tuple(order if channel is None else (s.on(channel) for s in order))


def _read_defaults(root: Path) -> Document | None:
    known = root / STACKS / DEFAULTS
    for path in sorted((root / STACKS).glob("*.y*ml")):
        if path != known:
            raise UsageError(
                f"{path.name} would be read by nobody",
                where=str(path),
                hint=f"what all stacks share is {STACKS}/{DEFAULTS}; "
                f"a stack is {STACKS}/<name>/{POLICY}",
            )
    return read_document(known) if known.exists() else None


def defaults_name_branches(root: Path) -> bool:
    """Return whether a stack need not name its fork branches."""
    shared = _read_defaults(root)
    fork = shared.data.get("fork") if shared else None
    return isinstance(fork, dict) and "branches" in fork


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


def with_dependents(family: tuple[Stack, ...], chosen: tuple[Stack, ...]) -> tuple[Stack, ...]:
    """Return ``chosen`` and all that are built on them, in the family's order."""
    wanted = {s.name for s in chosen}
    for stack in family:  # in the family's order: whoever depends comes later
        if wanted.intersection(stack.policy.depends):
            wanted.add(stack.name)
    return tuple(s for s in family if s.name in wanted)


def stack_folder(root: Path, name: StackName) -> Path:
    """Return where a stack lives."""
    return root / STACKS / name


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    """A stack, and the file that said so."""

    stack: Stack
    document: Document


def _load(root: Path, name: StackName, shared: Document | None) -> _Loaded:
    folder = stack_folder(root, name)
    with reading(folder):
        missing = f"write it (crate, upstream, fork: see another stack's), or take {folder} away"
        document = overlay(shared, read_document(folder / POLICY, missing=missing))
        policy = decode(document, Policy)
        parse_git_url(policy.upstream.git, where=document.where("$.upstream.git"))
        _check_channels(policy, document)
        _check_smoke(policy, document, folder)
        stack = Stack(
            name=name,
            policy=policy,
            patches=load_patches(folder / PATCHES),
            apart={
                channel: load_patches(folder / own)
                for channel in Channel
                if (folder / (own := patches_of(channel)) / "series").exists()
            },
            left_out=left_out(folder),
            acknowledged=read_acknowledged(folder / ACKNOWLEDGED),
            lock=read_lock(folder / LOCK_FILE),
            resolutions=load_resolutions(folder),
            smoke_digest=_digest(folder / "smoke"),
        )
    return _Loaded(stack=stack, document=document)


def _check_channels(policy: Policy, document: Document) -> None:
    for channel in Channel:
        if channel not in policy.fork.branches:
            raise UsageError(
                f"fork.branches names no branch for the {channel.value} channel",
                where=document.where("$.fork.branches"),
                hint=f"add `{channel.value}: <branch>` there, "
                f"or for all stacks in {STACKS}/{DEFAULTS}",
            )


def _check_smoke(policy: Policy, document: Document, folder: Path) -> None:
    taken = set[str]()
    for number, smoke in enumerate(policy.smoke):
        where = document.where(f"$.smoke[{number}].name")
        manifest = folder / "smoke" / smoke.name / "Cargo.toml"
        if smoke.name in taken:
            raise UsageError(
                f"the smoke component {smoke.name!r} stands here a second time",
                where=where,
                hint="keep one, or make a second component under smoke/",
            )
        taken.add(smoke.name)
        if not manifest.is_file():
            raise UsageError(
                f"the smoke component {smoke.name!r} is not there",
                where=where,
                hint=f"make it: cargo new {manifest.parent}",
            )
        for at, what, hint in _contradictions(smoke):
            raise UsageError(what, where=document.where(f"$.smoke[{number}]{at}"), hint=hint)


def _contradictions(smoke: SmokePolicy) -> Iterator[tuple[str, str, str]]:
    """Yield what a component's policy says and takes back elsewhere: where, what, what to do."""
    if smoke.target and not smoke.canary:
        yield ".target", "only a canary may have another target", "say in canary what it says"
    if smoke.until and not smoke.canary:
        yield ".until", "only a canary waits for something", "say in canary what it says without"
    if smoke.canary and smoke.upstream != ControlPolicy():
        yield (".upstream", "a canary does not run on pristine upstream",
               "leave out upstream, or canary")  # fmt: skip
    for name, case in smoke.cases.items():
        at = f".cases.{name}"
        if case.upstream and (smoke.canary or smoke.upstream.fails):
            other = "the component is a canary" if smoke.canary else "it does not build there"
            yield (f"{at}.upstream", f"the case {name!r} never runs on pristine upstream: {other}",
                   f"leave out upstream of {name}")  # fmt: skip
        if case.hangs and not case.upstream:
            yield (
                f"{at}.hangs",
                f"the case {name!r} hangs, after nothing it says",
                ("say in upstream what it says before"),
            )


def load_patches(folder: Path) -> tuple[Patch, ...]:
    """Return a folder's patches in series order; none that the series names is missing."""
    series = folder / "series"
    names = read_series(series)
    patches = []
    for name in names:
        path = folder / f"{name}.patch"
        missing = f"git checkout HEAD -- {path}, or take {path.name} out of {series}"
        patches.append(parse_patch(name, read_bytes(path, missing=missing), where=str(path)))
    return tuple(patches)


def left_out(folder: Path) -> tuple[str, ...]:
    """Return the patch files that no line of a series names: a person parked them, as in quilt.

    They are told in every report, so that nothing is left out in silence.
    """
    found = list(_left_out(folder / PATCHES))
    for channel in Channel:
        own = patches_of(channel)
        if (folder / own).is_dir():
            found += [f"{own}/{file}" for file in _left_out(folder / own)]
    return tuple(found)


def _left_out(folder: Path) -> Iterator[str]:
    series = folder / "series"
    named = {f"{name}.patch" for name in read_series(series)} if series.exists() else set()
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.patch"))
    return (file for file in files if file not in named)


def _depends(
    entry: _Loaded, family: Mapping[StackName, _Loaded]
) -> Iterator[tuple[str, StackName]]:
    """Yield what a stack depends on, each with the line that says so."""
    for number, other in enumerate(entry.stack.policy.depends):
        where = entry.document.where(f"$.depends[{number}]")
        if other not in family:
            close = difflib.get_close_matches(other, list(family), n=1)
            raise UsageError(
                f"depends names {other!r}, and there is no such stack",
                where=where,
                hint=f"did you mean {close[0]!r}?"
                if close
                else f"stacks here: {', '.join(family)}",
            )
        yield where, other


def _check_branches(family: Mapping[StackName, _Loaded]) -> None:
    """Refuse two stacks or channels on one branch, or on two that git cannot hold side by side."""
    taken: dict[str, dict[str, str]] = {}
    for name, entry in family.items():
        for channel in Channel:
            repo, branch = entry.stack.policy.fork.repo, entry.stack.branch(channel)
            owner, others = f"{name} ({channel.value})", taken.setdefault(repo, {})
            for other, rival in others.items():
                if branch == other:
                    what = f"{rival} and {owner} would both publish to {repo} {branch}"
                # refs/heads/a is a file, so there can be no refs/heads/a/b
                elif f"{branch}/".startswith(f"{other}/") or f"{other}/".startswith(f"{branch}/"):
                    what = f"{repo} cannot hold {other} ({rival}) beside {branch} ({owner})"
                else:
                    continue
                raise UsageError(
                    what,
                    where=entry.document.where(f"$.fork.branches.{channel.value}", own=True),
                    hint="give each its own branch under fork.branches",
                )
            others[branch] = owner


def _digest(folder: Path) -> str:
    """Return a digest of a folder's files and names; '' when there is none."""
    if not folder.is_dir():
        return ""
    whole = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder)
        if "target" not in name.parts:
            whole.update(f"{name}\0".encode())
            whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()
