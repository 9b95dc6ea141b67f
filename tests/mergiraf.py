"""A small program that stands in for mergiraf, with its command line and exit codes.

mergiraf's licence is the GPL's, and tests download no tools: so nothing here proves that mergiraf
merges well, only what forkbot asks of it and does with an answer. This one really merges, three
files into one, as ``git merge-file --union`` does: what both sides added at one place stays, the
upstream side first. ``then`` is Python that goes wrong from there.
"""

import sys
import textwrap
from pathlib import Path

VERSION = "mergiraf 0.20.0"

_PROGRAM = """\
#!{python}
import pathlib, subprocess, sys, time

args = sys.argv[1:]
with open({log!r}, "a") as log:
    log.write(" ".join(args) + "\\n")
if args == ["--version"]:
    print({version!r})
    sys.exit()
if args == ["languages", "--gitattributes"]:
    print("*.py merge=mergiraf\\n*.rs merge=mergiraf\\ngo.mod merge=mergiraf")
    sys.exit()
command, base, left, right, flag, out, path, errors = args
assert (command, flag, errors) == ("merge", "--output", "--allow-parse-errors=false"), args
assert path.startswith("--path-name="), args
union = ["git", "merge-file", "--union", "--stdout", left, base, right]
text, code = subprocess.run(union, stdout=subprocess.PIPE, check=True).stdout.decode(), 0
{then}
if text is not None:
    pathlib.Path(out).write_bytes(text.encode())
sys.exit(code)
"""


def install(folder: Path, *, then: str = "", version: str = VERSION) -> Path:
    """Write the program into ``folder``; return the file in which it logs how it is called."""
    folder.mkdir(exist_ok=True)
    log, program = folder / "log", folder / "mergiraf"
    log.write_text("")
    program.write_text(
        _PROGRAM.format(
            python=sys.executable, log=str(log), version=version, then=textwrap.dedent(then)
        )
    )
    program.chmod(0o755)
    return log
