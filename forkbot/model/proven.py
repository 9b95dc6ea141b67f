"""The last green: what the family was then, so that a later red can be held against it."""

import hashlib
from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta

from forkbot.model.base import Fact
from forkbot.words import Oid, PatchName, Pin


class Proven(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """What a stack and its surroundings were when all of its family was last green.

    Where nothing but dependencies was another at a later green, it stays as it was.
    """

    base: Oid
    base_label: str
    rustc: str
    wasmtime: str
    smoke: Annotated[str, Meta(description="digest of everything under smoke/")]
    patches: Annotated[
        dict[PatchName, str], Meta(description="a digest of the lines that each one changes")
    ]
    dependencies: Annotated[
        tuple[Pin, ...], Meta(description="what cargo took from crates.io for this stack")
    ] = ()


def digest_of_lines(diff: bytes) -> str:
    """Return a digest of what a patch changes, the same wherever upstream has moved the lines."""
    changed: Iterable[bytes] = [li for li in diff.splitlines() if li[:1] in (b"+", b"-")]
    if b"\nGIT binary patch\n" in diff:
        changed = diff.splitlines()
    return hashlib.sha256(b"\n".join(changed)).hexdigest()[:16]
