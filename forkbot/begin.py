"""How a stack begins: an empty folder with a policy, or the commits of somebody's branch."""

import dataclasses
import datetime as dt
import re
import shlex
import shutil
import unicodedata
from collections.abc import Mapping
from pathlib import Path

import msgspec

from forkbot.errors import MachineError, UsageError
from forkbot.git.repository import Repository, quarantine, sealed_env
from forkbot.git.workbench import Workbench
from forkbot.model.place import Place
from forkbot.model.stack import ChannelLock, Patch, Stack, UpstreamStatus
from forkbot.rebase.engine import rebase
from forkbot.rebase.export import make_patch
from forkbot.session import Session
from forkbot.stackdir.files import write_stack
from forkbot.stackdir.load import (
    STACKS,
    defaults_name_branches,
    load_family,
    select,
    stack_folder,
)
from forkbot.stackdir.mail import normal_author, normal_message
from forkbot.stackdir.patches import with_trailers
from forkbot.stackdir.update import write_files
from forkbot.text import visible
from forkbot.words import (
    BRANCH_NAME,
    CRATE_NAME,
    PATCH_NAME,
    REPO_NAME,
    SUBDIR,
    VERSION,
    Channel,
    Oid,
    PatchName,
    parse_git_url,
    parse_stack_name,
    parse_word,
)

_YAML_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
_LONGEST_SLUG = 60
_LATEST = 253_402_214_400  # the end of the year 9999, in any time zone


def new_stack(
    session: Session, name: str, *, crate: str, url: str, branch: str, subdir: str,
    since: str | None, repo: str | None,
) -> Path:  # fmt: skip
    """Write the folder of a new, empty stack and return it. Raises ``UsageError``, leaving none."""
    folder = stack_folder(session.root, parse_stack_name(name))
    if folder.exists():
        raise UsageError(
            f"there is a stack {name} already", where=str(folder), hint="choose another name"
        )
    parse_word(crate, CRATE_NAME, where="--crate")
    parse_git_url(url, where="--git")
    parse_word(branch, BRANCH_NAME, where="--branch")
    parse_word(subdir, SUBDIR, where="--subdir")
    repo = parse_word(repo or name, REPO_NAME, where="--fork")
    if since is not None:
        parse_word(since, VERSION, where="--since")
    for other in load_family(session.root):
        if other.policy.fork.repo == repo:
            raise UsageError(
                f"the stack {other.name} publishes to {repo} already",
                where="--fork",
                hint=f"name another repository, as in --fork {repo}-{name}",
            )
    upstream = {"git": url, "branch": branch} | ({"subdir": subdir} if subdir else {})
    fork: dict[str, object] = {"repo": repo}
    if not defaults_name_branches(session.root):
        fork["branches"] = {"main": "forkbot", "release": "forkbot-release"}
    policy = {
        "crate": crate,
        "about": "",
        "upstream": upstream,
        **({"release": {"since": since}} if since else {}),
        "fork": fork,
        "depends": [],
        "build": [{"package": crate}],
    }
    _write_folder(folder, _as_yaml(policy))
    try:
        load_family(session.root)  # what was written must read back, with all the rest
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def _write_folder(folder: Path, policy: str) -> None:
    draft = folder.with_name(f".{folder.name}.new")  # no stack has such a name: no reader sees it
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir()
        write_files(draft, {"stack.yaml": policy.encode(), "patches/series": b""})
        draft.rename(folder)
    except OSError as e:
        raise MachineError(f"cannot make a stack: {e.strerror}", where=str(folder)) from e
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _as_yaml(policy: Mapping[str, object]) -> str:
    """Return a policy as a person would write it: one key a line, short values in one line."""
    lines = []
    for key, value in policy.items():
        if isinstance(value, list) and value:
            lines += [f"{key}:", *(f"  - {_in_line(entry)}" for entry in value)]
        else:
            lines.append(f"{key}: {_in_line(value)}")
    return "".join(f"{line}\n" for line in lines)


def _in_line(value: object) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{key}: {_in_line(v)}" for key, v in value.items()) + "}"
        case str() if (
            re.fullmatch(r"[A-Za-z][A-Za-z0-9_./:-]*(?<!:)", value)
            and value.lower() not in _YAML_WORDS
        ):
            return value
        case _:
            return msgspec.json.encode(value).decode()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Commit:
    """What an import takes of a commit."""

    oid: Oid
    tree: Oid
    parents: int
    author: tuple[str, str]  # as a patch file can carry it
    date: dt.datetime
    message: str


def import_branch(
    session: Session, name: str, *, source: Path, base: str, tip: str
) -> tuple[Stack, tuple[Patch, ...], tuple[str, ...]]:
    """Make the commits ``base..tip`` of a repository the patches of an empty stack.

    Returns the stack, its patches and the files written. Every patch is proven to give its commit's
    tree. Raises ``UsageError`` for a stack that has patches already, for merges, for a base that
    the tip does not stand on.
    """
    with session.alone():
        stack = select(load_family(session.root), (name,), root=session.root)[0]
        if stack.patches:
            count = len(stack.patches)
            raise UsageError(
                f"{name} has {count} {'patch' if count == 1 else 'patches'} already, "
                "and an import would replace them",
                where=f"{STACKS}/{name}/patches/series",
                hint=f"import into a new stack: forkbot new {name}-2 "
                f"--git {stack.policy.upstream.git} --crate {stack.policy.crate}",
            )
        repository, place, commits = _read_branch(stack, source, base, tip, session=session)
        with (
            quarantine(repository, scratch=session.scratch) as lent,
            Workbench(lent) as bench,
        ):
            patches = _to_patches(commits, base=place, bench=bench)
            filled = msgspec.structs.replace(stack, patches=patches)
            proof = rebase(
                filled, repository=lent, channel=Channel.MAIN, base=place, onto=place
            ).facts
        if proof.tree != commits[-1].tree or proof.tip is None:
            raise AssertionError(f"the stack gives {proof.tree}, the branch {commits[-1].tree}")
        state = ChannelLock(
            base=place.commit, base_label=place.label, base_tree=place.tree,
            result=proof.tip, result_tree=proof.tree,
        )  # fmt: skip
        files = write_stack(
            stack_folder(session.root, stack.name), old=stack, patches=patches,
            lock=stack.lock.with_channel(Channel.MAIN, state), dry_run=session.dry_run,
        )  # fmt: skip
    return filled, patches, () if session.dry_run else files


def _read_branch(
    stack: Stack, source: Path, base: str, tip: str, *, session: Session
) -> tuple[Repository, Place, list[_Commit]]:
    """Return the repository, the base, and the commits above it, oldest first."""
    here, repository = _open(source, session=session)
    git = f"git -C {shlex.quote(str(source))}"
    shown_base, shown_tip = shlex.quote(base), shlex.quote(tip)
    if (repository.git_dir / "shallow").exists():
        raise UsageError(
            "the repository is shallow", where=str(source), hint=f"{git} fetch --unshallow"
        )
    try:
        base_oid, tip_oid = here.resolve(base), here.resolve(tip)
    except UsageError as e:
        e.where, e.hint = str(source), f"{git} log --oneline --all"
        raise
    if not here.is_ancestor(base_oid, tip_oid):
        raise UsageError(
            f"{tip} does not stand on {base}",
            where=str(source),
            hint=f"the newest commit that both stand on: {git} merge-base {shown_base} {shown_tip}",
        )
    commits = _log(repository, base_oid, tip_oid)
    if not commits:
        raise UsageError(
            f"there is no commit in {base}..{tip}",
            where=str(source),
            hint=f"{git} log --oneline {shown_tip}",
        )
    below = repository.commit(base_oid).tree
    for commit in commits:
        if commit.parents != 1:
            raise UsageError(
                f"{commit.oid[:12]} is a merge, and a stack is a line of patches",
                where=str(source),
                hint=f"{git} rebase {shown_base} {shown_tip}",
            )
        if commit.tree == below:
            raise UsageError(
                f"{commit.oid[:12]} changes nothing, and a patch has to",
                where=str(source),
                hint=f"{git} rebase --no-keep-empty {shown_base} {shown_tip}",
            )
        below = commit.tree
    label = repository.describe(base_oid, crate=stack.policy.crate)
    tree = repository.commit(base_oid).tree
    return repository, Place(commit=base_oid, tree=tree, label=label), commits


def _open(source: Path, *, session: Session) -> tuple[Repository, Repository]:
    """Return the repository as the work tree at ``source`` sees it, and as all of them share it."""
    import git  # noqa: PLC0415 - a fifth of a second that only import pays for

    try:
        found = git.Repo(source, search_parent_directories=True)
    except git.NoSuchPathError as e:
        raise UsageError(
            "there is no such folder", where=str(source), hint="name a clone with --from"
        ) from e
    except git.InvalidGitRepositoryError as e:
        raise UsageError(
            "this is not a git repository", where=str(source), hint="name a clone with --from"
        ) from e
    with found:
        own, shared = Path(found.git_dir).resolve(), Path(found.common_dir).resolve()
    env = sealed_env(session.ambient)
    # a linked work tree has a HEAD of its own, and the objects are in the shared folder
    return Repository(git_dir=own, env=env), Repository(git_dir=shared, env=env)


def _log(repository: Repository, base: Oid, tip: Oid) -> list[_Commit]:
    said = repository.git(
        "log", "-z", "--reverse", "--topo-order", "--encoding=UTF-8", "--date=raw",
        "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%ad%x00%B", f"{base}..{tip}",
    ).stdout  # fmt: skip
    fields = said.decode(errors="backslashreplace").split("\0")
    columns = (fields[i:-1:7] for i in range(7))  # each field ends with a NUL
    return [
        _Commit(
            oid=Oid(oid),
            tree=Oid(tree),
            parents=len(parents.split()),
            author=normal_author(visible(name), visible(address)),
            date=_date(date),
            message=normal_message(visible(message.replace("\r\n", "\n"))),
        )
        for oid, tree, parents, name, address, date, message in zip(*columns, strict=True)
    ]


def _date(raw: str) -> dt.datetime:
    """Return git's ``seconds zone``; what no clock shows becomes the nearest that one does."""
    seconds, _, zone = raw.partition(" ")
    minutes = int(zone[-4:-2] or 0) * 60 + int(zone[-2:] or 0)
    sign = -1 if zone.startswith("-") else 1
    offset = dt.timezone(dt.timedelta(minutes=sign * min(minutes, 23 * 60 + 59)))
    return dt.datetime.fromtimestamp(min(max(int(seconds or 0), 0), _LATEST), tz=offset)


def _to_patches(commits: list[_Commit], *, base: Place, bench: Workbench) -> tuple[Patch, ...]:
    patches: list[Patch] = []
    before, taken = base.tree, set[str]()
    for commit in commits:
        name = _name(commit.message, taken)
        taken.add(name.lower())
        try:
            patch = make_patch(_draft(commit, name), before=before, after=commit.tree, bench=bench)
        except UsageError as e:  # a trailer of the commit's own that says what no patch may say
            e.where = f"commit {commit.oid[:12]}"
            raise
        patches.append(patch)
        before = commit.tree
    return tuple(patches)


def _draft(commit: _Commit, name: PatchName) -> Patch:
    author_name, author_email = commit.author
    return Patch(
        name=name,
        author_name=author_name,
        author_email=author_email,
        author_date=commit.date,
        message=with_trailers(
            commit.message, Patch_Name=name, Upstream_Status="Pending", Drop_When="green-without"
        ),
        upstream_status=UpstreamStatus.PENDING,
        upstream_reference="",
        drop_when="green-without",
        diff=b"",
        paths=(),
        mail=b"",
    )


def _name(message: str, taken: set[str]) -> PatchName:
    """Return the name that a commit gives itself, or one made of its subject; none twice."""
    named = re.search(r"(?m)^Patch-Name: (\S+)$", message)
    name = named[1] if named and PATCH_NAME.fits(named[1]) else _slug(message.partition("\n")[0])
    unique, number = name, 2
    while unique.lower() in taken:  # some file systems know no capitals
        unique, number = f"{name[:120]}-{number}", number + 1
    return PatchName(unique)


def _slug(subject: str) -> str:
    ascii_only = unicodedata.normalize("NFKD", subject).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9]+", "-", ascii_only.lower()).strip("-")
    return words[:_LONGEST_SLUG].rstrip("-") or "patch"
