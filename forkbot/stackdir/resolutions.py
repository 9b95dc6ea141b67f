"""``resolutions/<patch>/<key>.yaml``: recorded answers, for people to review.

Texts are YAML blocks where a block says them exactly, and quoted where it would not: a text without
a last line end, with a carriage return, with bytes that are not UTF-8 (0xE9 is written ``\\udce9``,
as Python's surrogateescape has it).
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from forkbot.errors import UsageError
from forkbot.model.base import Fact
from forkbot.model.resolution import FileAnswer, HunkAnswer, Resolution
from forkbot.stackdir.document import Document, decode, read_document
from forkbot.words import BLOB_ENTRY, Channel, Oid, PatchName

FOLDER = "resolutions"
_HEADER = """\
# A conflict that a person resolved. forkbot replays it for this patch alone, and only where all
# that is said here of the conflict is the same to the byte. What may be edited is the answer.
"""
_BARE = re.compile(
    r"^(?!(?:y|n|yes|no|on|off|true|false|null)$)[A-Za-z][A-Za-z0-9_./ -]*(?<! )$", re.IGNORECASE
)
# what a block cannot say: control characters, YAML's other line breaks, half characters
_NOT_IN_A_BLOCK = re.compile(
    r"[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)

Entry = Annotated[str, BLOB_ENTRY.meta]


class FileDocument(Fact, frozen=True, kw_only=True):
    """One file of an answer to whole files."""

    path: str
    base: Annotated[Entry | None, Meta(description="mode and object id")] = None
    upstream: Annotated[Entry | None, Meta(description="mode and object id")] = None
    ours: Annotated[Entry | None, Meta(description="mode and object id")] = None
    merged: Annotated[Entry | None, Meta(description="what the merge made, without conflict")] = (
        None
    )
    mode: Annotated[str | None, Meta(description="none when the file goes")] = None
    content: str = ""


class ResolutionDocument(Fact, frozen=True, kw_only=True):
    """A resolution's file. An answer to a region has path to resolved, any other has files."""

    patch: PatchName
    author: str
    date: str
    tool: str = ""
    channel: Channel
    onto: Oid
    onto_label: str
    path: Annotated[str | None, Meta(description="the file of the region")] = None
    above: Annotated[str, Meta(description="lines before the region")] = ""
    base: str = ""
    upstream: str = ""
    ours: str = ""
    below: Annotated[str, Meta(description="lines after the region")] = ""
    resolved: Annotated[str | None, Meta(description="what stands in its place")] = None
    files: tuple[FileDocument, ...] = ()


def load_resolutions(folder: Path) -> tuple[Resolution, ...]:
    """Return a stack's recorded resolutions, in the order of their files.

    Raises ``UsageError`` with file and line for a file that is none, or that is not in its place.
    """
    found = []
    for path in sorted((folder / FOLDER).rglob("*")):
        if path.is_dir() or path.name.startswith("."):
            continue
        if path.suffix != ".yaml" or path.parent.parent != folder / FOLDER:
            raise UsageError(
                f"{path.name} would be read by nobody",
                where=str(path),
                hint=f"move it out of {FOLDER}/; an answer is {FOLDER}/<patch>/<key>.yaml",
            )
        found.append(read_resolution(path))
    return tuple(found)


def read_resolution(path: Path) -> Resolution:
    """Return one recorded resolution. Raises ``UsageError`` with file and line."""
    document = read_document(path)
    said = decode(document, ResolutionDocument)
    resolution = Resolution(
        patch=said.patch, author=said.author, date=said.date, tool=said.tool,
        channel=said.channel, onto=said.onto, onto_label=said.onto_label,
        hunk=_hunk(said, document), files=tuple(_file(f) for f in said.files),
    )  # fmt: skip
    if (resolution.hunk is None) == (not resolution.files):
        raise UsageError(
            "an answer is for a region (path, resolved) or for whole files (files), not both",
            where=document.where("$.files"),
            hint=f"git checkout HEAD -- {path}",
        )
    if path.parent.name != said.patch or path.stem != resolution.key:
        raise UsageError(
            f"what it says of the conflict belongs into {file_name(resolution)}",
            where=document.where("$.patch"),
            hint=f"only the answer may be edited by hand: git checkout HEAD -- {path}",
        )
    return resolution


def _hunk(said: ResolutionDocument, document: Document) -> HunkAnswer | None:
    if said.path is None and said.resolved is None:
        return None
    if said.path is None or said.resolved is None:
        raise UsageError(
            f"the key {'path' if said.path is None else 'resolved'!r} is missing",
            where=document.where("$"),
            hint="an answer to a region has both",
        )
    return HunkAnswer(
        path=_bytes(said.path), above=_bytes(said.above), base=_bytes(said.base),
        upstream=_bytes(said.upstream), ours=_bytes(said.ours), below=_bytes(said.below),
        resolved=_bytes(said.resolved),
    )  # fmt: skip


def _file(said: FileDocument) -> FileAnswer:
    return FileAnswer(
        path=_bytes(said.path), base=said.base or "", upstream=said.upstream or "",
        ours=said.ours or "", merged=said.merged or "", mode=said.mode or "",
        content=_bytes(said.content),
    )  # fmt: skip


def file_name(resolution: Resolution) -> str:
    """Return where a resolution lives, from the stack's folder."""
    return f"{FOLDER}/{resolution.patch}/{resolution.key}.yaml"


def render_resolution(resolution: Resolution) -> bytes:
    """Return a resolution's file."""
    return (_HEADER + "".join(_lines(resolution))).encode()


def _lines(r: Resolution) -> Iterator[str]:
    yield f"patch: {_word(r.patch)}\nauthor: {_word(r.author)}\ndate: {r.date}\n"
    if r.tool:
        yield f"tool: {_word(r.tool)}\n"
    yield f'channel: {r.channel.value}\nonto: "{r.onto}"\nonto-label: {_word(r.onto_label)}\n'
    if r.hunk is not None:
        yield f"path: {_word(_text(r.hunk.path))}\n"
        for name in ("above", "base", "upstream", "ours", "below", "resolved"):
            data: bytes = getattr(r.hunk, name)
            yield f"{name}: {_scalar(_text(data), indent=2)}\n"
        return
    yield "files:\n"
    for f in r.files:
        yield f"  - path: {_word(_text(f.path))}\n"
        for name, entry in (
            ("base", f.base), ("upstream", f.upstream), ("ours", f.ours), ("merged", f.merged),
        ):  # fmt: skip
            if entry:
                yield f"    {name}: {entry}\n"
        if f.mode:
            yield f'    mode: "{f.mode}"\n    content: {_scalar(_text(f.content), indent=6)}\n'


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _text(data: bytes) -> str:
    return data.decode(errors="surrogateescape")


def _word(text: str) -> str:
    return text if _BARE.fullmatch(text) else _quoted(text)


def _scalar(text: str, *, indent: int) -> str:
    """Return a text as a block where a block gives it back exactly, quoted elsewhere."""
    if not text or not text.endswith("\n") or not text.strip() or _NOT_IN_A_BLOCK.search(text):
        return _quoted(text)
    # the number says how deep the block is, where its first line would mislead
    deep = "2" if text[0] in " \n\t" else ""
    keep = "+" if text.endswith("\n\n") else ""
    body = "\n".join(f"{' ' * indent}{line}" if line else "" for line in text.split("\n")[:-1])
    return f"|{deep}{keep}\n{body}"


_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


def _quoted(text: str) -> str:
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(c: str) -> str:
    if c in _ESCAPES:
        return _ESCAPES[c]
    if not _NOT_IN_A_BLOCK.match(c):
        return c
    return f"\\U{ord(c):08x}" if ord(c) > 0xFFFF else f"\\u{ord(c):04x}"
