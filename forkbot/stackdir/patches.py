"""Patch files: ``git format-patch`` mail in, a checked ``Patch`` out.

What is refused, and why: a diff that leaves the tree (``..``, absolute, ``.git``), a mail that git
itself would read differently (transfer encodings, attachments), a header that does not say why the
patch exists and when it may go.
"""

import datetime as dt
import email.header
import email.utils
import re
from pathlib import Path

from forkbot.errors import UsageError
from forkbot.model.stack import Patch, UpstreamStatus
from forkbot.words import PatchName

_STATUS = re.compile(r"^(\w+)(?:\s+\[?([^\]]+)\]?)?$")
_DROP_WHEN = re.compile(
    r"^(?:merged \S+|released >=\s*\d+(?:\.\d+){1,2}|rustc >=\s*\d+(?:\.\d+){1,2}|green-without)$"
)
_NEEDS_REFERENCE = {
    UpstreamStatus.SUBMITTED: "the pull request's URL",
    UpstreamStatus.ACCEPTED: "the pull request's URL",
    UpstreamStatus.BACKPORT: "the upstream commit",
    UpstreamStatus.INAPPROPRIATE: "the reason",
    UpstreamStatus.DENIED: "the pull request's URL or the reason",
}


def parse_patch(name: PatchName, mail: bytes, *, where: str) -> Patch:
    """Return the patch that a file holds. Raises ``UsageError`` naming file and line."""
    headers, body, diff_line = _split(mail, where=where)
    diff = b"\n".join(mail.split(b"\n")[diff_line - 1 :])
    author_name, author_email = _author(headers, where=where)
    message = _message(headers, body)
    trailers = _trailers(message)
    status, reference = _upstream_status(trailers, where=where)
    named = trailers.get("Patch-Name")
    if named != name:
        raise UsageError(
            f"the header says Patch-Name: {named}"
            if named
            else "the trailer Patch-Name is missing",
            where=where,
            hint=f"its file is {name}.patch, so write `Patch-Name: {name}`",
        )
    return Patch(
        name=name,
        author_name=author_name,
        author_email=author_email,
        author_date=_date(headers, where=where),
        message=message,
        upstream_status=status,
        upstream_reference=reference,
        drop_when=_drop_when(trailers, where=where),
        diff=diff,
        paths=diff_paths(diff, where=where, first_line=diff_line),
        mail=mail,
    )


def _split(mail: bytes, *, where: str) -> tuple[dict[str, str], str, int]:
    """Return headers, message body, and the 1-based line on which the diff begins."""
    lines = mail.split(b"\n")
    diff_at = next((i for i, line in enumerate(lines) if line.startswith(b"diff --git ")), None)
    if diff_at is None:
        raise UsageError(
            "there is no `diff --git` in this file",
            where=f"{where}:1",
            hint="write patches with `git format-patch`, or with `forkbot import`",
        )
    blank = next((i for i, line in enumerate(lines[:diff_at]) if not line.strip()), None)
    if blank is None:
        raise UsageError(
            "no mail header before the diff",
            where=f"{where}:1",
            hint="write patches with `git format-patch`, or with `forkbot import`",
        )
    try:
        head = b"\n".join(lines[:blank]).decode()
        body = b"\n".join(lines[blank + 1 : diff_at]).decode()
    except UnicodeDecodeError as e:
        line = mail[: e.start].count(b"\n") + 1
        raise UsageError("the header is not UTF-8", where=f"{where}:{line}") from e
    body = re.split(r"(?m)^---[ \t]*$", body, maxsplit=1)[0]
    return _headers(head, where=where), body, diff_at + 1


def _headers(head: str, *, where: str) -> dict[str, str]:
    unfolded = re.sub(r"\n[ \t]+", " ", head)
    headers: dict[str, str] = {}
    for number, line in enumerate(unfolded.split("\n"), start=1):
        if number == 1 and re.match(r"^From [0-9a-f]{40} ", line):
            continue
        key, colon, value = line.partition(":")
        if not colon or not re.fullmatch(r"[A-Za-z][A-Za-z-]*", key):
            raise UsageError(f"not a mail header: {line!r}", where=f"{where}:{number}")
        headers[key.lower()] = value.strip()
    encoding = headers.get("content-transfer-encoding", "8bit").lower()
    if encoding not in {"8bit", "7bit", "binary"} or "multipart" in headers.get("content-type", ""):
        raise UsageError(
            "the mail is encoded or has attachments",
            where=f"{where}:1",
            hint="save it with `git format-patch`, not from a mail program",
        )
    return headers


def _decoded(value: str) -> str:
    return str(email.header.make_header(email.header.decode_header(value)))


def _author(headers: dict[str, str], *, where: str) -> tuple[str, str]:
    name, address = email.utils.parseaddr(headers.get("from", ""))
    if not address:
        raise UsageError(
            "the header `From: Name <email>` is missing or malformed", where=f"{where}:1"
        )
    return _decoded(name) or address, address


def _date(headers: dict[str, str], *, where: str) -> dt.datetime:
    try:
        when = email.utils.parsedate_to_datetime(headers.get("date", ""))
    except ValueError as e:
        raise UsageError(
            "the header `Date:` is missing or malformed",
            where=f"{where}:1",
            hint="as in `Date: Mon, 2 Nov 2026 12:00:00 +0000`",
        ) from e
    return when if when.tzinfo else when.replace(tzinfo=dt.UTC)


def _message(headers: dict[str, str], body: str) -> str:
    subject = _decoded(headers.get("subject", "")).strip()
    text = "\n".join(line.rstrip() for line in body.strip("\n").split("\n"))
    return f"{subject}\n\n{text}\n" if text else f"{subject}\n"


def _trailers(message: str) -> dict[str, str]:
    last = message.strip().rpartition("\n\n")[2]
    found = re.findall(r"(?m)^([A-Z][A-Za-z-]*):[ \t]*(.*)$", last)
    return {key: value.strip() for key, value in found}


def _upstream_status(trailers: dict[str, str], *, where: str) -> tuple[UpstreamStatus, str]:
    words = ", ".join(s.value for s in UpstreamStatus)
    text = trailers.get("Upstream-Status")
    if text is None:
        raise UsageError(
            "the trailer Upstream-Status is missing",
            where=where,
            hint=f"end the message with `Upstream-Status: Pending` (or one of {words})",
        )
    found = _STATUS.match(text)
    status = next((s for s in UpstreamStatus if found and s.value == found[1]), None)
    if found is None or status is None:
        raise UsageError(f"unknown Upstream-Status {text!r}", where=where, hint=f"one of {words}")
    reference = (found[2] or "").strip()
    if not reference and status in _NEEDS_REFERENCE:
        raise UsageError(
            f"Upstream-Status {status.value} needs {_NEEDS_REFERENCE[status]}",
            where=where,
            hint=f"as in `Upstream-Status: {status.value} [{_NEEDS_REFERENCE[status]}]`",
        )
    return status, reference


def _drop_when(trailers: dict[str, str], *, where: str) -> str:
    text = trailers.get("Drop-When", "")
    if not _DROP_WHEN.match(text):
        raise UsageError(
            f"unknown Drop-When {text!r}" if text else "the trailer Drop-When is missing",
            where=where,
            hint="one of `merged <url>`, `released >=1.2`, `rustc >=1.99`, `green-without`",
        )
    return text


def diff_paths(diff: bytes, *, where: str, first_line: int = 1) -> tuple[bytes, ...]:
    """Return every path that a diff names, sorted; ``UsageError`` for one that leaves the tree.

    The diff is read as Latin-1 so that each byte of a path and of a line survives.
    """
    # here, because `forkbot --help` must not pay for it
    from unidiff.errors import UnidiffParseError  # noqa: PLC0415
    from unidiff.patch import PatchSet  # noqa: PLC0415

    try:
        files = PatchSet(diff.decode("latin-1"))
    except UnidiffParseError as e:
        raise UsageError(f"the diff is malformed: {e}", where=f"{where}:{first_line}") from e
    if not files:
        raise UsageError("the diff changes nothing", where=f"{where}:{first_line}")
    names = {n for f in files for n in (f.source_file, f.target_file) if n}
    paths = {_unquoted(name.encode("latin-1")) for name in names} - {b"/dev/null"}
    plain = set()
    for path in paths:
        inner = path[2:] if path[:2] in {b"a/", b"b/"} else path
        parts = inner.split(b"/")
        if path[:1] == b"/" or inner[:1] == b"/" or b".." in parts or b"" in parts:
            shown = inner.decode(errors="backslashreplace")
            raise UsageError(f"the diff leaves the tree: {shown}", where=f"{where}:{first_line}")
        if any(part.lower() in {b".git", b"git~1"} for part in parts):
            raise UsageError("the diff writes into .git", where=f"{where}:{first_line}")
        plain.add(inner)
    return tuple(sorted(plain))


def _unquoted(name: bytes) -> bytes:
    r"""Undo git's C-style quoting: ``"a/f\303\274"`` → ``a/fü``."""
    if not (name.startswith(b'"') and name.endswith(b'"') and len(name) > 1):
        return name
    simple = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b'"': b'"', b"\\": b"\\", b"a": b"\a",
              b"b": b"\b", b"f": b"\f", b"v": b"\v"}  # fmt: skip

    def one(found: re.Match[bytes]) -> bytes:
        token = found[1]
        return simple[token] if token in simple else bytes([int(token, 8) & 255])

    return re.sub(rb'\\([ntrabfv"\\]|[0-7]{3})', one, name[1:-1])


def read_series(path: Path) -> tuple[PatchName, ...]:
    """Return the names in a quilt series file, in order. Raises ``UsageError`` with the line."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as e:
        raise UsageError(
            "the file is missing",
            where=str(path),
            hint=f"an empty stack has an empty one: touch {path}",
        ) from e
    except UnicodeDecodeError as e:
        raise UsageError(f"not UTF-8 at byte {e.start}", where=str(path)) from e
    names: list[PatchName] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.partition("#")[0].strip()
        if not line:
            continue
        where = f"{path}:{number}"
        name = line.removesuffix(".patch")
        if not re.fullmatch(r"[A-Za-z0-9](?!.*\.\.)[A-Za-z0-9._+-]{0,127}\.patch", line):
            raise UsageError(
                f"{line!r} is not a patch file's name",
                where=where,
                hint="one `name.patch` a line, no folders, no options",
            )
        if name in names:
            raise UsageError(f"{line} stands here a second time", where=where)
        names.append(PatchName(name))
    return tuple(names)


def render_series(old: str, keep: tuple[PatchName, ...]) -> str:
    """Return the series text with only the names in ``keep``; comments stay where they are."""
    lines = []
    for raw in old.splitlines():
        entry = raw.partition("#")[0].strip()
        if not entry or entry.removesuffix(".patch") in keep:
            lines.append(raw)
    listed = {raw.partition("#")[0].strip() for raw in lines}
    lines += [f"{name}.patch" for name in keep if f"{name}.patch" not in listed]
    return "".join(f"{line}\n" for line in lines)
