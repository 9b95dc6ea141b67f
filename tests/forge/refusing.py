"""Servers that refuse pushes in GitHub's words.

A ``proc-receive`` hook says them: all other hooks can only say no.
"""

from forkbot.git.repository import Repository

HOOK = """\
#!/usr/bin/env python3
import subprocess, sys
def read():
    lines = []
    while (size := int(sys.stdin.buffer.read(4), 16)):
        lines.append(sys.stdin.buffer.read(size - 4).rstrip(b"\\n").decode())
    return lines
def say(*lines):
    for line in lines:
        sys.stdout.buffer.write(b"%04x" % (len(line.encode()) + 4) + line.encode())
    sys.stdout.buffer.write(b"0000")
    sys.stdout.buffer.flush()
read()
say("version=1\\0atomic")
commands = [command.split(" ") for command in read()]
def bad(new):
    if not {when!r} and new.strip("0"):
        return True
    here = subprocess.run(["git", "ls-tree", "-r", "--name-only", new], capture_output=True).stdout
    return {when!r} in here.decode().split()
heads = [ref for old, new, ref in commands if ref.startswith("refs/heads/") and bad(new)]
if heads:
    print({people!r}, file=sys.stderr)
    said = ["ng " + ref + " " + ({words!r} if ref in heads else "atomic push failure")
            for old, new, ref in commands]
else:
    said = [line for old, new, ref in commands for line in ("ok " + ref, "option fall-through")]
say(*said)
"""


def says_no(bare: Repository, *, words: str, people: str = "", when: str = "") -> None:
    """Let a server refuse each branch with such a file in it (any, when none is named).

    ``words`` are for git, ``people`` for people.
    """
    hook = bare.git_dir / "hooks" / "proc-receive"
    hook.parent.mkdir()
    hook.write_text(HOOK.format(words=words, people=people, when=when))
    hook.chmod(0o755)
    bare.git("config", "receive.procReceiveRefs", "refs")


def says_yes(bare: Repository) -> None:
    """Let it refuse nothing any more."""
    bare.git("config", "--unset", "receive.procReceiveRefs")


def no_workflows(name: str, whose: str = "a Personal Access Token") -> str:
    """Return how GitHub refuses a workflow from who may not change any."""
    thing = "`workflows` permission" if "GitHub" in whose else "`workflow` scope"
    return f"refusing to allow {whose} to create or update workflow `{name}` without {thing}"
