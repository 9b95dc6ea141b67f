"""A patch file as a mail: header, message, diff, each split exactly where git splits them.

What git's own reader (``git mailinfo``) would take for something else is refused, and so is what
quilt's (patch(1)) would: a message must mean the same to all three.
"""

import dataclasses
import datetime as dt
import email.errors
import email.header
import email.utils
import re
from collections.abc import Sequence

from forkbot.errors import UsageError

_WRITE = "write patches with `git format-patch`, or with `forkbot import`"
CRLF_HINT = "put `*.patch -text` into .gitattributes, then check the file out anew"
# where git mailinfo ends the message
_END_OF_MESSAGE = re.compile(r"diff -|Index: |---(?: \S|\s*$)")
# what git mailinfo takes for a header at the top of a message, git mailsplit for the next mail
_LIKE_A_HEADER = re.compile(r"(?:From|Subject|Date):\s|\[PATCH\]\s", re.IGNORECASE)
_LIKE_A_MAIL = re.compile(r"From ")
# What patch(1) takes for a diff, indented as it may be: a file's name somewhere, and somewhere what
# to do with it (tried: every triple of such lines, with GNU patch 2.7.6). Neither does it alone.
_NAMES_A_FILE = re.compile(r"[ \t]*(?:--- |\+\+\+ |\*\*\* |Index: |diff --git )")
_CHANGES_A_FILE = re.compile(
    r"[ \t]*(?:@@ -|\*{8}|\d+(?:,\d+)?[acd]|deleted file mode |GIT binary patch)"
)
_BY_MAIL = re.compile(r"^(?:\[[^\]]*PATCH[^\]]*\]\s*)+")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A patch file taken apart; lines are counted from 1."""

    author_name: str
    author_email: str
    author_date: dt.datetime
    message: str  # normal: see normal_message
    body: tuple[tuple[int, str], ...]  # the message's lines below the subject, with their numbers
    diff: bytes
    diff_line: int


def read_mail(data: bytes, *, where: str) -> Mail:
    """Take a patch file apart. Raises ``UsageError`` naming file and line."""
    if not data.strip():
        raise UsageError("the file is empty", where=f"{where}:1", hint=_WRITE)
    lines = data.split(b"\n")
    blank = next((i for i, line in enumerate(lines) if not line.strip()), len(lines))
    if any(line.endswith(b"\r") for line in lines[: blank + 1]):
        raise UsageError(
            "the mail has Windows line ends (CRLF)", where=f"{where}:1", hint=CRLF_HINT
        )
    headers = _Headers(_text(lines[:blank], 1, what="header", where=where), where=where)
    headers.check_encoding()
    name, address = headers.author()
    subject = headers.subject()
    end, diff_at = _ends(lines, blank, where=where)
    body = _text(lines[blank + 1 : end], blank + 2, what="message", where=where)
    _check_body(body, where=where)
    return Mail(
        author_name=name,
        author_email=address,
        author_date=headers.date(),
        message=_joined(subject, [text for _, text in body]),
        body=tuple(body),
        diff=b"\n".join(lines[diff_at:]),
        diff_line=diff_at + 1,
    )


def normal_message(text: str) -> str:
    """Return a commit's message as it comes out of a patch file again.

    Subject on one line, trailing blanks gone; lines that would end the message, or be taken for
    part of the diff, are marked as quoted.
    """
    lines = [line.rstrip() for line in text.replace("\0", "").split("\n")]
    first = next((i for i, line in enumerate(lines) if line), len(lines))
    until = next((i for i in range(first, len(lines)) if not lines[i]), len(lines))
    # `=?` begins an encoded word in a mail's header
    subject = " ".join(lines[first:until]).replace("=?", "= ?")
    body = lines[until:]
    while body and not body[0]:
        body.pop(0)
    of_a_diff = _lines_of_a_diff(body)
    quoted = [
        f"> {line}"
        if i in of_a_diff
        or _END_OF_MESSAGE.match(line)
        or _LIKE_A_MAIL.match(line)
        or (i == 0 and _LIKE_A_HEADER.match(line))
        else line
        for i, line in enumerate(body)
    ]
    return _joined(subject or "no subject", quoted)


def normal_author(name: str, address: str) -> tuple[str, str]:
    """Return a commit's author as he comes out of a patch file again."""
    address = re.sub(r"[<>\s]", "", address) or "unknown@localhost.invalid"
    name = " ".join(re.sub(r"[<>\0]", "", name).replace("=?", "= ?").split())
    return name or address, address


def _lines_of_a_diff(lines: Sequence[str]) -> list[int]:
    """Return which lines of a message would make it a diff to patch(1)."""
    if not any(_CHANGES_A_FILE.match(line) for line in lines):
        return []
    return [i for i, line in enumerate(lines) if _NAMES_A_FILE.match(line)]


def _joined(subject: str, body: list[str]) -> str:
    subject = _BY_MAIL.sub("", " ".join(subject.split())) or subject
    text = "\n".join(line.rstrip() for line in body).strip("\n")
    return f"{subject}\n\n{text}\n" if text else f"{subject}\n"


def _text(lines: list[bytes], first: int, *, what: str, where: str) -> list[tuple[int, str]]:
    decoded = []
    for number, line in enumerate(lines, start=first):
        try:
            decoded.append((number, line.decode()))
        except UnicodeDecodeError as e:
            raise UsageError(
                f"the {what} is not UTF-8",
                where=f"{where}:{number}",
                hint="git -c i18n.logOutputEncoding=UTF-8 format-patch writes it so",
            ) from e
    return decoded


class _Headers:
    """A mail's header, each value with the line on which it begins."""

    def __init__(self, lines: list[tuple[int, str]], *, where: str) -> None:
        self._file = where
        self._values: dict[str, str] = {}
        self._lines: dict[str, int] = {}
        last = ""
        for number, line in lines:
            if number == 1 and re.match(r"^From [0-9a-f]{40,64} ", line):
                continue
            found = re.match(r"^([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*)$", line)
            if line[:1] in {" ", "\t"} and last:
                self._values[last] += f" {line.strip()}"
            elif found:
                last = found[1].lower()
                self._values[last], self._lines[last] = found[2].strip(), number
            else:
                raise UsageError(
                    f"not a mail header: {line!r}", where=f"{where}:{number}", hint=_WRITE
                )

    def _where(self, name: str) -> str:
        return f"{self._file}:{self._lines.get(name, 1)}"

    def check_encoding(self) -> None:
        encoding = self._values.get("content-transfer-encoding", "8bit").lower()
        kind = self._values.get("content-type", "text/plain").lower()
        charset = re.search(r"charset=\"?([^\s\";]+)", kind)
        if encoding not in {"8bit", "7bit", "binary"} or not kind.startswith("text/plain"):
            odd = "content-type" if encoding == "8bit" else "content-transfer-encoding"
            raise UsageError(
                "the mail is encoded or has attachments",
                where=self._where(odd),
                hint="save it with `git format-patch`, not from a mail program",
            )
        if charset and charset[1] not in {"utf-8", "us-ascii"}:
            raise UsageError(
                f"the mail is in {charset[1]}, not in UTF-8",
                where=self._where("content-type"),
                hint="git -c i18n.logOutputEncoding=UTF-8 format-patch writes it so",
            )

    def subject(self) -> str:
        subject = self._decoded("subject", self._values.get("subject", ""))
        if not subject:
            raise UsageError(
                "the header `Subject:` is missing or empty",
                where=self._where("subject"),
                hint=_WRITE,
            )
        return subject

    def author(self) -> tuple[str, str]:
        found = re.fullmatch(r"(.*?)\s*<([^<>\s]+)>", self._values.get("from", ""))
        if not found:
            raise UsageError(
                "the header `From: Name <email>` is missing or malformed",
                where=self._where("from"),
                hint="as in `From: A Person <person@example.org>`",
            )
        name = found[1]
        if len(name) > 1 and name.startswith('"') and name.endswith('"'):
            name = re.sub(r"\\(.)", r"\1", name[1:-1])
        else:
            name = self._decoded("from", name)
        return " ".join(name.split()) or found[2], found[2]

    def date(self) -> dt.datetime:
        try:
            when = email.utils.parsedate_to_datetime(self._values.get("date", ""))
        except (ValueError, OverflowError) as e:
            raise UsageError(
                "the header `Date:` is missing or malformed",
                where=self._where("date"),
                hint="as in `Date: Mon, 2 Nov 2026 12:00:00 +0000`",
            ) from e
        return when if when.tzinfo else when.replace(tzinfo=dt.UTC)

    def _decoded(self, name: str, value: str) -> str:
        if "=?" not in value:
            return value
        try:
            return str(email.header.make_header(email.header.decode_header(value)))
        except (email.errors.HeaderParseError, LookupError, UnicodeError) as e:
            raise UsageError(
                f"the header `{name.title()}:` cannot be decoded",
                where=self._where(name),
                hint="write it in UTF-8",
            ) from e


def _ends(lines: list[bytes], blank: int, *, where: str) -> tuple[int, int]:
    """Return where the message ends and where the diff begins."""
    diff_at = next((i for i, line in enumerate(lines) if line.startswith(b"diff --git ")), None)
    if diff_at is None or diff_at < blank:
        what = "there is no `diff --git` in this file"
        if diff_at is not None:
            what = "there is no mail header and message before the diff"
        raise UsageError(what, where=f"{where}:{(diff_at or 0) + 1}", hint=_WRITE)
    ends = (
        i
        for i in range(blank + 1, diff_at)
        if _END_OF_MESSAGE.match(lines[i].decode(errors="replace"))
    )
    return next(ends, diff_at), diff_at


def _check_body(body: list[tuple[int, str]], *, where: str) -> None:
    full = [(number, text) for number, text in body if text.strip()]
    if full and _LIKE_A_HEADER.match(full[0][1]):
        raise UsageError(
            f"git takes the first line of this message for a mail header: {full[0][1]!r}",
            where=f"{where}:{full[0][0]}",
            hint="begin the line with `> `, or put another above it",
        )
    for number, text in body:
        if _LIKE_A_MAIL.match(text):
            raise UsageError(
                "git takes a line that begins with `From ` for the next mail",
                where=f"{where}:{number}",
                hint="begin the line with `> `",
            )
    if of_a_diff := _lines_of_a_diff([text for _, text in body]):
        raise UsageError(
            "quilt takes the diff quoted in this message for a part of the patch",
            where=f"{where}:{body[of_a_diff[0]][0]}",
            hint="begin its lines with `> `",
        )
