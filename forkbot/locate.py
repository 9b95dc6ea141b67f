"""Upstream found: the repository that holds it, the commit to go to, and the one we sit on."""

import dataclasses

from forkbot.cargo import Cargo
from forkbot.errors import RemoteError, UsageError
from forkbot.git.remote import is_path
from forkbot.git.repository import Repository, sealed_env
from forkbot.model.place import Place
from forkbot.model.stack import Stack
from forkbot.session import Session
from forkbot.text import redact
from forkbot.upstream.mirror import Mirror
from forkbot.upstream.releases import (
    ReleaseHistory,
    manifest_refusal,
    release_history,
    releases_at_hand,
)
from forkbot.words import Channel, GitUrl, Oid, Version, parse_git_url

FLOOR = "floor"  # as an aim: the newest commit on which the whole stack applies


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What a person asked for instead of the newest upstream."""

    upstream: str | None = None  # a URL or path in place of stack.yaml's, for this run
    onto: str | None = None  # a revision, tag or version; FLOOR, which takes a rebase to know
    base: str | None = None
    stay: bool = False  # onto is the base: verify and publish what the files say
    planned: bool = False  # onto is a plan's, that a stranger may have written: never backwards


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """Where upstream is. ``base`` is None when no lock says it: it must be found by trying."""

    repository: Repository
    onto: Place
    base: Place | None
    candidates: tuple[Place, ...]  # bases to try, newest first
    mirror: Mirror | None = None  # to be made anew should it prove damaged


def locate(stack: Stack, *, session: Session, aim: Aim, cargo: Cargo | None) -> Located:
    """Find a stack's upstream on the session's channel; its newest, where the aim is the floor.

    ``cargo`` is needed on the release channel. Raises ``RemoteError`` when upstream is out of
    reach, ``UsageError`` when a revision, a base or a channel is not there.
    """
    if aim.onto == FLOOR:
        aim = dataclasses.replace(aim, onto=None)
    match session.channel:
        case Channel.MAIN:
            return _on_main(stack, session=session, aim=aim)
        case Channel.RELEASE:
            if cargo is None:
                raise AssertionError("the release channel asks cargo")
            return _on_release(stack, session=session, aim=aim, cargo=cargo)


def _on_main(stack: Stack, *, session: Session, aim: Aim) -> Located:
    policy = stack.policy.upstream
    url = policy.git
    if aim.upstream is not None:
        url = parse_git_url(aim.upstream, where="--upstream")
    url = GitUrl(str(session.root / url)) if is_path(url) else GitUrl(url)
    mirror = Mirror(url, cache=session.cache, ambient=session.ambient)
    repository, tip = mirror.update(policy.branch, say=session.say)

    def place(oid: Oid) -> Place:
        info = repository.commit(oid)
        return Place(
            commit=oid, tree=info.tree, label=repository.describe(oid, crate=stack.policy.crate)
        )

    lock = stack.lock.channel(Channel.MAIN)
    base = None
    if aim.base is not None:
        base = place(repository.resolve(aim.base))
    elif lock is not None:
        if not repository.has(lock.base):
            raise UsageError(
                f"the base {lock.base[:12]} ({lock.base_label}) is not in upstream",
                where=f"stacks/{stack.name}/stack.lock",
                hint=f"forkbot rebase {stack.name} --base {tip[:12]}"
                f"  # if {policy.branch} was rewritten: where the patches fit exactly",
            )
        base = place(lock.base)
    onto = place(repository.resolve(aim.onto) if aim.onto else tip)
    if aim.stay and base is not None:
        onto = base
    elif aim.onto is None or aim.planned:
        _forward(repository, base, onto, stack=stack.name, where=redact(url))
        _on_branch(repository, onto, tip, where=redact(url))
    return Located(repository=repository, onto=onto, base=base, candidates=(onto,), mirror=mirror)


def _on_release(stack: Stack, *, session: Session, aim: Aim, cargo: Cargo) -> Located:
    policy, where = stack.policy, f"stacks/{stack.name}/stack.yaml"
    if policy.release is None:
        raise UsageError(
            f"{stack.name} has no release channel",
            where=where,
            hint="add `release: {since: 1.2.3}`",
        )
    if aim.upstream is not None:
        raise UsageError(
            "--upstream names a git repository, and the release channel asks cargo",
            hint="add --channel main, or leave --upstream out",
        )
    for patch in stack.patches:
        refusal = manifest_refusal(patch.paths, subdir=policy.upstream.subdir)
        if refusal:
            raise UsageError(
                f'patch "{patch.name}" {refusal}',
                where=stack.file_of(patch.name),
                hint="take that part out of the patch, "
                f"or take `release:` out of {where} to follow main only",
            )
    history = release_history(
        policy.crate,
        since=policy.release.since,
        subdir=policy.upstream.subdir,
        cargo=cargo,
        cache=session.cache,
        git_env=sealed_env(session.ambient),
        prereleases=policy.release.pre_releases,
        say=session.say,
    )
    repository = Repository(git_dir=history.git_dir, env=sealed_env(session.ambient))
    places = [_release_place(repository, r.commit, r.version) for r in history.releases]
    base = _release_base(stack, history, repository, aim=aim)
    onto = places[-1]
    if aim.onto is not None:
        onto = _named(history, repository, aim.onto, where="--onto")
    if aim.stay and base is not None:
        onto = base
    elif aim.onto is None or aim.planned:
        _forward(
            repository, base, onto,
            stack=f"{stack.name} --channel release", where=f"the releases of {policy.crate}",
        )  # fmt: skip
    upto = [p for p in places if places.index(p) <= places.index(onto)]
    return Located(repository=repository, onto=onto, base=base, candidates=tuple(reversed(upto)))


def place_at(stack: Stack, oid: Oid, *, located: Located, channel: Channel) -> Place | None:
    """Return a commit of upstream's line that a rebase went to before; None when it is none now."""
    repository = located.repository
    if oid == located.onto.commit:
        return located.onto
    if channel is Channel.RELEASE:
        return next((p for p in located.candidates if p.commit == oid), None)
    if not (repository.has(oid) and repository.is_ancestor(oid, located.onto.commit)):
        return None
    label = repository.describe(oid, crate=stack.policy.crate)
    return Place(commit=oid, tree=repository.commit(oid).tree, label=label)


def _forward(
    repository: Repository, base: Place | None, onto: Place, *, stack: str, where: str
) -> None:
    """Refuse an upstream that lies behind where the stack is already: a stale copy of it."""
    if base and base.commit != onto.commit and repository.is_ancestor(onto.commit, base.commit):
        raise RemoteError(
            f"upstream's newest is {onto.label}, behind the base {base.label}",
            where=where,
            hint=f"forkbot rebase {stack} --onto {onto.label}"
            "  # to go back on purpose; else a mirror is out of date",
        )


def _on_branch(repository: Repository, onto: Place, tip: Oid, *, where: str) -> None:
    """Refuse to go to what is not upstream's branch, or is no more."""
    if not repository.is_ancestor(onto.commit, tip):
        raise RemoteError(
            f"{onto.commit[:12]} is not on upstream's branch, whose tip is {tip[:12]}",
            where=where,
            hint="forkbot plan  # once more",
        )


def _release_place(repository: Repository, commit: Oid, version: Version) -> Place:
    return Place(commit=commit, tree=repository.commit(commit).tree, label=version)


def _release_base(
    stack: Stack, history: ReleaseHistory, repository: Repository, *, aim: Aim
) -> Place | None:
    lock = stack.lock.channel(Channel.RELEASE)
    if aim.base is not None:
        return _named(history, repository, aim.base, where="--base")
    if lock is None:
        return None
    # by version: a yank in between changes the ids of all releases after it
    release = history.at(Version(lock.base_label))
    if release is None:
        return None  # yanked itself, or older than `since`: found by trying
    return _release_place(repository, release.commit, release.version)


def _named(history: ReleaseHistory, repository: Repository, name: str, *, where: str) -> Place:
    release = history.at(Version(name.removeprefix("v")))
    if release is None:
        known = ", ".join(r.version for r in history.releases)
        raise UsageError(
            f"{name} is not among the releases (yanked, or older than `since`?)",
            where=where,
            hint=f"releases here: {known}",
        )
    return _release_place(repository, release.commit, release.version)


def at_hand(stack: Stack, channel: Channel, base: Oid, *, session: Session) -> Repository | None:
    """Return what the cache has of upstream, if the base is in it."""
    match channel:
        case Channel.MAIN:
            url = stack.policy.upstream.git
            url = str(session.root / url) if is_path(url) else url
            mirror = Mirror(GitUrl(url), cache=session.cache, ambient=session.ambient)
            return mirror.at_hand(base)
        case Channel.RELEASE:
            return releases_at_hand(
                stack.policy.crate, base, cache=session.cache,
                git_env=sealed_env(session.ambient),
            )  # fmt: skip
