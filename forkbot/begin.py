"""How a stack begins: an empty folder with a policy, or the commits of somebody's branch."""

import datetime as dt
import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from forkbot.errors import UsageError
from forkbot.git.repository import Repository, quarantine, sealed_env
from forkbot.git.workbench import Workbench
from forkbot.model.fate import Place
from forkbot.model.stack import ChannelLock, Patch, Stack, UpstreamStatus
from forkbot.rebase.engine import rebase
from forkbot.rebase.export import make_patch
from forkbot.session import Session
from forkbot.stackdir.files import write_stack
from forkbot.stackdir.load import STACKS, load_family, select, stack_folder
from forkbot.stackdir.update import write_files
from forkbot.text import decode
from forkbot.words import Channel, Oid, PatchName, parse_branch, parse_git_url, parse_stack_name

if TYPE_CHECKING:
    import git


def new_stack(
    session: Session, name: str, *, crate: str, url: str, branch: str, subdir: str,
    since: str | None, repo: str | None,
) -> Path:  # fmt: skip
    """Write the folder of a new, empty stack and return it. Raises ``UsageError``, leaving none."""
    stack = parse_stack_name(name)
    folder = stack_folder(session.root, stack)
    if folder.exists():
        raise UsageError(f"there is a stack {name} already", where=str(folder))
    parse_git_url(url, where="--git")
    parse_branch(branch)
    where = f"{{git: {_quoted(url)}, branch: {_quoted(branch)}"
    where += f", subdir: {_quoted(subdir)}}}" if subdir else "}"
    lines = [f"crate: {_quoted(crate)}", 'about: ""', f"upstream: {where}"]
    if since:
        lines.append(f"release: {{since: {_quoted(since)}}}")
    lines += [
        f"fork: {{repo: {_quoted(repo or name)}}}",
        "depends: []",
        "build:",
        f"  - {{package: {_quoted(crate)}}}",
    ]
    text = "".join(f"{line}\n" for line in lines)
    folder.mkdir(parents=True)
    try:
        write_files(folder, {"stack.yaml": text.encode(), "patches/series": b""})
        load_family(session.root)  # what was written must read back, with all the rest
    except UsageError:
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        folder.rmdir()
        raise
    return folder


def _quoted(text: str) -> str:
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_./:-]*(?<!:)", text)
    return text if plain else msgspec.json.encode(text).decode()


def import_branch(
    session: Session, name: str, *, source: Path, base: str, tip: str
) -> tuple[Stack, tuple[Patch, ...], tuple[str, ...]]:
    """Make the commits ``base..tip`` of a repository the patches of an empty stack.

    Returns the stack, its patches and the files written. Every patch is proven to give its commit's
    tree. Raises ``UsageError`` for a stack that has patches already, for merges, for a base that
    the tip does not stand on.
    """
    family = load_family(session.root)
    stack = select(family, (name,), root=session.root)[0]
    if stack.patches:
        raise UsageError(
            f"{name} has {len(stack.patches)} patches already, and they would be replaced",
            where=f"{STACKS}/{name}/patches/series",
            hint="import into a new stack: forkbot new …",
        )
    repository, commits, base_oid = _read_branch(source, base=base, tip=tip, session=session)
    info = repository.commit(base_oid)
    place = Place(
        commit=base_oid,
        tree=info.tree,
        label=repository.describe(base_oid, crate=stack.policy.crate),
    )
    with (
        quarantine(repository, scratch=session.scratch) as lent,
        Workbench(lent) as bench,
    ):
        patches = _to_patches(commits, base=place, bench=bench)
        filled = msgspec.structs.replace(stack, patches=patches)
        proof = rebase(filled, repository=lent, channel=Channel.MAIN, base=place, onto=place).facts
        wanted = lent.commit(Oid(commits[-1].hexsha)).tree
        if proof.tree != wanted or proof.tip is None:
            raise AssertionError(f"the imported stack gives {proof.tree}, the branch {wanted}")
    lock = ChannelLock(
        base=place.commit, base_label=place.label, base_tree=place.tree,
        result=proof.tip, result_tree=wanted,
    )  # fmt: skip
    files: tuple[str, ...] = ()
    if not session.dry_run:
        with session.alone():
            files = write_stack(
                stack_folder(session.root, stack.name), old=stack, patches=patches,
                lock=stack.lock.with_channel(Channel.MAIN, lock),
            )  # fmt: skip
    return filled, patches, files


def _read_branch(
    source: Path, *, base: str, tip: str, session: Session
) -> tuple[Repository, "list[git.Commit]", Oid]:
    """Return the repository, the commits oldest first, and the base."""
    import git  # noqa: PLC0415 - a fifth of a second that only import pays for

    try:
        found = git.Repo(source, search_parent_directories=True)
    except (git.InvalidGitRepositoryError, git.NoSuchPathError) as e:
        raise UsageError("this is not a git repository", where=str(source)) from e
    with found:
        repository = Repository(
            git_dir=Path(found.common_dir).resolve(), env=sealed_env(session.ambient)
        )
        if (repository.git_dir / "shallow").exists():
            raise UsageError(
                "the repository is shallow",
                where=str(source),
                hint=f"git -C {source} fetch --unshallow",
            )
        base_oid, tip_oid = (_resolve(repository, rev, found) for rev in (base, tip))
        if not repository.is_ancestor(base_oid, tip_oid):
            raise UsageError(
                f"{tip} does not stand on {base}",
                where=str(source),
                hint=f"git -C {source} merge-base {base} {tip}",
            )
        commits = list(found.iter_commits(f"{base_oid}..{tip_oid}", reverse=True))
    if not commits:
        raise UsageError(f"there is no commit in {base}..{tip}", where=str(source))
    for commit in commits:
        if len(commit.parents) != 1:
            raise UsageError(
                f"{commit.hexsha[:12]} is a merge, and a stack is a line of patches",
                where=str(source),
                hint=f"git -C {source} rebase {base} {tip}",
            )
    return repository, commits, base_oid


def _resolve(repository: Repository, rev: str, found: "git.Repo") -> Oid:
    # HEAD of a linked work tree is not in the common folder
    if rev == "HEAD":
        return Oid(found.head.commit.hexsha)
    return repository.resolve(rev)


def _to_patches(commits: "list[git.Commit]", *, base: Place, bench: Workbench) -> tuple[Patch, ...]:
    patches: list[Patch] = []
    before, taken = base.tree, set[str]()
    for commit in commits:
        after = Oid(commit.tree.hexsha)
        if after == before:
            raise UsageError(f"commit {commit.hexsha[:12]} changes nothing", hint="drop it first")
        message = _message_text(commit)
        draft = _draft(commit, message, taken)
        patches.append(make_patch(draft, before=before, after=after, bench=bench))
        before = after
    return tuple(patches)


def _message_text(commit: "git.Commit") -> str:
    text = commit.message if isinstance(commit.message, str) else decode(commit.message)
    # a mail's message ends at these lines, for git as for forkbot
    text = re.sub(r"(?m)^(---[ \t]*$|diff --git |Index: )", r" \1", text)
    lines = [line.rstrip() for line in text.strip().splitlines()]
    subject, body = lines[0] if lines else "no subject", "\n".join(lines[1:]).strip("\n")
    return f"{subject.strip()}\n\n{body}\n" if body else f"{subject.strip()}\n"


def _draft(commit: "git.Commit", message: str, taken: set[str]) -> Patch:
    named = re.search(r"(?m)^Patch-Name: (\S+)$", message)
    name = named[1] if named else _slug(message.partition("\n")[0])
    unique, number = name, 2
    while unique in taken:
        unique, number = f"{name}-{number}", number + 1
    taken.add(unique)
    offset = dt.timezone(dt.timedelta(seconds=-commit.author_tz_offset))
    return Patch(
        name=PatchName(unique),
        author_name=commit.author.name or commit.author.email or "unknown",
        author_email=commit.author.email or "unknown@localhost.invalid",
        author_date=dt.datetime.fromtimestamp(commit.authored_date, tz=offset),
        message=_with_trailers(message, unique),
        upstream_status=UpstreamStatus.PENDING,
        upstream_reference="",
        drop_when="green-without",
        diff=b"",
        paths=(),
        mail=b"",
    )


def _with_trailers(message: str, name: str) -> str:
    wanted = {"Patch-Name": name, "Upstream-Status": "Pending", "Drop-When": "green-without"}
    last = message.strip().rpartition("\n\n")[2]
    is_trailers = bool(last) and all(
        re.match(r"^[A-Z][A-Za-z-]*: ", line) for line in last.splitlines()
    )
    head = message.rstrip("\n")
    block = last if is_trailers and head != last else ""
    if block:
        head = head[: -len(block)].rstrip("\n")
    kept = [li for li in block.splitlines() if not li.startswith("Patch-Name:")]
    have = {li.partition(":")[0] for li in kept}
    kept += [f"{key}: {value}" for key, value in wanted.items() if key not in have]
    return f"{head}\n\n" + "".join(f"{line}\n" for line in kept)


def _slug(subject: str) -> str:
    ascii_only = unicodedata.normalize("NFKD", subject).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9]+", "-", ascii_only.lower()).strip("-")
    return words[:60].rstrip("-") or "patch"
