"""A patch's Drop-When, asked: met, not met, or not to be told here and why."""

import re
import tomllib
from typing import assert_never

from forkbot.git.workbench import Workbench
from forkbot.model.condition import Condition, ConditionKind, parse_condition
from forkbot.model.judgement import DropCheck
from forkbot.model.stack import Patch
from forkbot.rebase.case import Case
from forkbot.rebase.named import NamedCommits
from forkbot.upstream.published import precedence
from forkbot.words import VERSION, Channel, Version

_TAGGED = re.compile(r"^(?:.*?-)?v?(?P<version>\d+\.\d+\.\d+[^-]*(?:-(?!\d+-g)[0-9A-Za-z.]+)?)"
                     r"(?:-\d+-g[0-9a-f]+)?$")  # fmt: skip


def check_drop(patch: Patch, case: Case, *, named: NamedCommits, bench: Workbench) -> DropCheck:
    """Return whether a patch's Drop-When is met on ``onto``."""
    condition = parse_condition(patch.drop_when)
    if condition is None:
        raise AssertionError("stackdir lets no other Drop-When in")
    match condition.kind:
        case ConditionKind.MERGED:
            met, evidence = _merged(condition, case, named)
        case ConditionKind.RELEASED:
            met, evidence = _released(condition, case, bench)
        case ConditionKind.RUSTC:
            met, evidence = _rustc(condition, case)
        case ConditionKind.GREEN_WITHOUT:
            met, evidence = _green_without(patch, case)
        case _:
            assert_never(condition.kind)
    return DropCheck(condition=patch.drop_when, met=met, evidence=evidence)


def _merged(condition: Condition, case: Case, named: NamedCommits) -> tuple[bool | None, str]:
    found = named.find(condition.reference)
    if found.commit is not None:
        return True, f"{case.onto.label} has {found.commit.commit[:12]} ({found.commit.subject})"
    if case.channel is Channel.RELEASE:
        return None, "releases carry no upstream commits: forkbot rebase --channel main knows"
    return None if found.unknown else False, found.why


def _released(condition: Condition, case: Case, bench: Workbench) -> tuple[bool | None, str]:
    least = ".".join(map(str, condition.least))
    label = case.onto.label
    tagged = _TAGGED.match(label)
    tag = Version(tagged["version"]) if tagged and VERSION.fits(tagged["version"]) else None
    if tag is not None and _reaches(tag, least):
        return True, f"{label} is {tag} or newer"
    if case.channel is Channel.RELEASE:
        return False, f"{label} is older than {least}"
    manifest = _manifest_version(case, bench)
    if manifest is None and tag is None:
        return None, f"neither a tag nor a Cargo.toml says which version {label} is"
    if manifest is not None and _reaches(manifest, least):
        return None, f"Cargo.toml says {manifest} on {label}: released, or about to be"
    return False, f"{label} is older than {least}"


def _reaches(version: Version, least: str) -> bool:
    return precedence(version) >= precedence(Version(least))


def _manifest_version(case: Case, bench: Workbench) -> Version | None:
    """Return what the crate's manifest says on onto: on a branch, the last version or the next."""
    subdir = case.stack.policy.upstream.subdir
    entry = bench.trees.find(case.onto.tree, f"{subdir}/Cargo.toml".lstrip("/").encode())
    if entry is None or not entry.is_file:
        return None
    try:
        manifest = tomllib.loads(bench.objects.read(entry.oid)[1].decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return None
    package = manifest.get("package")
    version = package.get("version") if isinstance(package, dict) else None
    return Version(version) if isinstance(version, str) and VERSION.fits(version) else None


def _rustc(condition: Condition, case: Case) -> tuple[bool | None, str]:
    least = ".".join(map(str, condition.least))
    found = re.search(r"\d+\.\d+\.\d+", case.rustc or "")
    if found is None:
        return None, "no toolchain was asked: forkbot toolchain shows the one that is there"
    if _reaches(Version(found[0]), least):
        return True, f"rustc is {found[0]}"
    return False, f"rustc is {found[0]}, older than {least}"


def _green_without(patch: Patch, case: Case) -> tuple[bool | None, str]:
    probed = case.stack.green_without(case.changes[-1].after)
    green = probed.get(patch.name)
    if green is None:
        return None, f"nobody tried: forkbot probe {case.stack.name}"
    found = "stays green without it" if green else "something is red without it"
    return green, f"on {case.base.label} {found}, forkbot probe found"
