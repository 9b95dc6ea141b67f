"""What could not be answered, said so that a tired person can go on: what, where, next.

A conflict, a failed build or a refused patch is a *value* (see ``forkbot.model``); these classes
are for questions that got no answer. Each carries the exit code of DESIGN §7.
"""

from typing import ClassVar

EXIT_DONE = 0
EXIT_FAULT = 1
EXIT_USAGE = 2
EXIT_CONFLICT = 3  # a patch needs a person: it is in conflict, or clean and suspicious (law 4)
EXIT_BUILD = 4
EXIT_REMOTE = 5
EXIT_REFUSED = 6
EXIT_INTERRUPTED = 130

# gravest first (DESIGN §7)
GRAVITY = (
    EXIT_INTERRUPTED,
    EXIT_FAULT,
    EXIT_USAGE,
    EXIT_REFUSED,
    EXIT_REMOTE,
    EXIT_CONFLICT,
    EXIT_BUILD,
    EXIT_DONE,
)


def gravest(codes: "list[int]") -> int:
    """Return the exit code that speaks for all of ``codes``; 0 for none."""
    return min(codes, key=GRAVITY.index, default=EXIT_DONE)


class ForkbotError(Exception):
    """Base of every expected failure.

    ``what`` is a lower-case phrase without a full stop, ``where`` a file and line, URL or stack,
    ``hint`` the next thing to do, runnable where it can be.
    """

    exit_code: ClassVar[int] = EXIT_FAULT

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        """Return the message as the terminal shows it, without the ``error:`` in front."""
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}\nhint: {self.hint}" if self.hint else text


class UsageError(ForkbotError):
    """The command line or a file in the stacks repository is not what it should be."""

    exit_code = EXIT_USAGE


class RemoteError(ForkbotError):
    """A network, a git remote, a registry or a forge did not answer as it should."""

    exit_code = EXIT_REMOTE


class RefusedError(ForkbotError):
    """Going on would overwrite what is not ours: a lost lease, a person's commits."""

    exit_code = EXIT_REFUSED


class MachineError(ForkbotError):
    """The machine under us said no: no space, no permission, a broken tool."""

    exit_code = EXIT_FAULT


class ProcessError(ForkbotError):
    """A child process ended as it never should; carries its command, code and last words."""

    def __init__(
        self, *, command: str, code: int, last_words: str, where: str | None = None
    ) -> None:
        said = f"\n{last_words}" if last_words else ""
        super().__init__(f"{command} ended with {code}{said}", where=where)
        self.code = code
        self.last_words = last_words


class TimedOutError(ForkbotError):
    """A child process, or a wait on it, took too long and was ended.

    ``why`` goes on after "it was ended": `` after 20 s``; ``stdout``, ``stderr``: what it said.
    """

    exit_code = EXIT_REMOTE

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        hint: str | None = None,
        why: str = "",
        seconds: float = 0.0,
        stdout: bytes = b"",
        stderr: bytes = b"",
    ) -> None:
        super().__init__(what, where=where, hint=hint)
        self.why = why
        self.seconds = seconds
        self.stdout = stdout
        self.stderr = stderr


class OverLimitError(TimedOutError):
    """A child process took more than it may, of something other than time, and was ended.

    ``why`` is then ``: it printed more than 4 MiB``.
    """
