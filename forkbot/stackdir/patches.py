"""Patch files: ``git format-patch`` mail in, a checked ``Patch`` out.

What is refused, and why: a diff that leaves the tree, a mail that git or quilt would read
differently, a header that does not say why the patch exists and when it may go.
"""

import difflib
import re

from forkbot.errors import UsageError
from forkbot.model.condition import parse_condition
from forkbot.model.stack import Patch, UpstreamStatus
from forkbot.stackdir.diff import diff_paths
from forkbot.stackdir.mail import Mail, read_mail
from forkbot.words import PatchName

_NEEDS_REFERENCE = {
    UpstreamStatus.SUBMITTED: "the pull request's URL",
    UpstreamStatus.ACCEPTED: "the pull request's URL",
    UpstreamStatus.BACKPORT: "the upstream commit",
    UpstreamStatus.INAPPROPRIATE: "the reason",
    UpstreamStatus.DENIED: "the pull request's URL or the reason",
}
_TRAILER = re.compile(r"^([A-Z][A-Za-z-]*):[ \t]*(.*)$")
_OURS = ("Patch-Name", "Upstream-Status", "Drop-When")
_NEXT_MAIL = re.compile(rb"(?m)^From [0-9a-f]{40,64} ")


def parse_patch(name: PatchName, mail: bytes, *, where: str) -> Patch:
    """Return the patch that a file holds. Raises ``UsageError`` naming file and line."""
    read = read_mail(mail, where=where)
    if another := _NEXT_MAIL.search(read.diff):
        line = read.diff_line + read.diff.count(b"\n", 0, another.start())
        raise UsageError(
            "a second mail begins here",
            where=f"{where}:{line}",
            hint="give each patch a file of its own, and a line in the series",
        )
    trailers = _Trailers(read, name=name, where=where)
    trailers.check_name()
    status, reference = trailers.upstream_status()
    return Patch(
        name=name,
        author_name=read.author_name,
        author_email=read.author_email,
        author_date=read.author_date,
        message=read.message,
        upstream_status=status,
        upstream_reference=reference,
        drop_when=trailers.drop_when(),
        diff=read.diff,
        paths=diff_paths(read.diff, where=where, first_line=read.diff_line),
        mail=mail,
    )


def with_trailers(message: str, **wanted: str) -> str:
    """Return a message whose last paragraph has these trailers (`Patch_Name` → ``Patch-Name``).

    ``Patch-Name`` is always as wanted; any other that stands there already is kept.
    """
    head, _, last = message.strip().rpartition("\n\n")
    lines = last.split("\n")
    if not head or not all(_TRAILER.match(li) or li[:1] in {" ", "\t"} for li in lines):
        head, lines = message.strip(), []
    kept = [line for line in lines if not line.startswith("Patch-Name:")]
    have = {line.partition(":")[0] for line in kept}
    added = ((key.replace("_", "-"), value) for key, value in wanted.items())
    kept += [f"{key}: {value}" for key, value in added if key not in have]
    return f"{head}\n\n" + "".join(f"{line}\n" for line in kept)


class _Trailers:
    """The last paragraph of a message, where the facts stand that forkbot acts on."""

    def __init__(self, mail: Mail, *, name: PatchName, where: str) -> None:
        self._name = name
        self._where = where
        self._body = mail.body
        lines = list(mail.body)
        while lines and not lines[-1][1].strip():
            lines.pop()
        # where a missing one is to be added
        self._end = lines[-1][0] if lines else mail.diff_line
        self._found: dict[str, tuple[int, str]] = {}
        first = next((i for i, (_, text) in reversed([*enumerate(lines)]) if not text.strip()), -1)
        self._read(lines[first + 1 :])

    def _read(self, lines: list[tuple[int, str]]) -> None:
        key = ""
        for number, text in lines:
            if text[:1] in {" ", "\t"} and key:
                begun, value = self._found[key]
                self._found[key] = begun, f"{value} {text.strip()}"
                continue
            found = _TRAILER.match(text)
            key = found[1] if found else ""
            if key in self._found and key in _OURS:
                raise UsageError(
                    f"the trailer {key} stands here a second time",
                    where=f"{self._where}:{number}",
                    hint=f"the first is in line {self._found[key][0]}; keep one",
                )
            if found:
                self._found[key] = number, found[2].strip()

    def _take(self, key: str, hint: str) -> tuple[str, str]:
        """Return where a trailer stands and what it says; ``UsageError`` when it is not there."""
        if key in self._found:
            number, value = self._found[key]
            return f"{self._where}:{number}", value
        for number, text in self._body:
            if text.startswith(f"{key}:"):
                raise UsageError(
                    f"{key} is no trailer here: it does not stand in the message's last paragraph",
                    where=f"{self._where}:{number}",
                    hint="move it to the other trailers, with no empty line between",
                )
        raise UsageError(
            f"the trailer {key} is missing", where=f"{self._where}:{self._end}", hint=hint
        )

    def check_name(self) -> None:
        hint = f"the file is {self._name}.patch, so write `Patch-Name: {self._name}`"
        where, named = self._take("Patch-Name", f"{hint} as the message's last line")
        if named != self._name:
            raise UsageError(f"the header says `Patch-Name: {named}`", where=where, hint=hint)

    def upstream_status(self) -> tuple[UpstreamStatus, str]:
        words = [s.value for s in UpstreamStatus]
        where, text = self._take(
            "Upstream-Status",
            f"end the message with `Upstream-Status: Pending` (or one of {', '.join(words[1:])})",
        )
        word, _, rest = text.partition(" ")
        status = next((s for s in UpstreamStatus if s.value == word), None)
        if status is None:
            close = difflib.get_close_matches(text.title(), words, n=1)
            hint = f"did you mean {close[0]}?" if close else f"one of {', '.join(words)}"
            raise UsageError(f"unknown Upstream-Status {text!r}", where=where, hint=hint)
        reference = rest.strip().removeprefix("[").removesuffix("]").strip()
        if not reference and status in _NEEDS_REFERENCE:
            needed = _NEEDS_REFERENCE[status]
            raise UsageError(
                f"Upstream-Status {status.value} needs {needed}",
                where=where,
                hint=f"as in `Upstream-Status: {status.value} [{needed}]`",
            )
        return status, reference

    def drop_when(self) -> str:
        hint = "one of `merged <url>`, `released >=1.2`, `rustc >=1.99`, `green-without`"
        where, text = self._take("Drop-When", f"say when the patch may go; {hint}")
        if parse_condition(text) is None:
            raise UsageError(f"unknown Drop-When {text!r}", where=where, hint=hint)
        return text
