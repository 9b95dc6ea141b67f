"""What a report says to paste shows the conflict again: forkbot's own command, and git's alone."""

import os
import subprocess
from pathlib import Path

import msgspec
from msgspec.structs import replace

from forkbot.model.record import RunRecord
from forkbot.report.steps import reproduce
from forkbot.rundir import RunDirectory
from tests.e2e.world import World

TEXT = "".join(f"line {n}\n" for n in range(1, 31))
HEAD = "a line of ours\n" + TEXT


def test_the_commands_of_a_report_show_its_conflict(world: World, tmp_path: Path) -> None:
    upstream = world.upstream()
    upstream.commit("begin", {"src/lib.rs": TEXT, "notes.md": "one\n"})
    world.stack(
        upstream,
        {
            "first": {"src/lib.rs": HEAD},
            "second": {"src/lib.rs": HEAD.replace("line 20\n", "line twenty\n")},
            "third": {"notes.md": "two\n"},
        },
    )
    world.forkbot("rebase")
    upstream.commit("reword", {"src/lib.rs": TEXT.replace("line 20\n", "line 20, reworded\n")})
    said = world.forkbot("rebase", "--json", code=3)
    record = msgspec.json.decode(said.out.encode(), type=RunRecord)
    stack = replace(record.stacks[0], upstream_url=str(upstream.path))
    forkbot, *git = reproduce(stack, record)
    assert forkbot.split()[:3] == ["forkbot", "rebase", "demo"]
    world.forkbot(*forkbot.split()[1:], code=3)
    script = "\n".join(git).replace("/tmp/demo-conflict", str(tmp_path / "demo-conflict"))  # noqa: S108 - as it is told
    env = {
        **os.environ, "GIT_COMMITTER_NAME": "A Person", "GIT_COMMITTER_EMAIL": "p@example.invalid"
    }  # fmt: skip
    done = subprocess.run(
        ["sh", "-ec", script], cwd=world.root, env=env, check=False, capture_output=True, text=True
    )
    assert done.returncode == 1, done.stderr
    assert "CONFLICT (content): Merge conflict in src/lib.rs" in done.stdout
    clone = tmp_path / "demo-conflict"
    told = subprocess.run(
        ["git", "log", "-1", "--format=%s", "REBASE_HEAD"],
        cwd=clone, env=env, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert told == "second: make it so\n"
    assert len(RunDirectory(world.root / ".forkbot" / "runs").ids()) == 2


def test_the_page_lies_in_the_run_and_is_made_anew_from_the_record(
    world: World, tmp_path: Path
) -> None:
    upstream = world.upstream()
    upstream.commit("begin", {"a": "one\n"})
    world.stack(upstream, {"fix": {"a": "ours\n"}})
    world.forkbot("rebase")
    upstream.commit("reword", {"a": "theirs\n"})
    world.forkbot("rebase", code=3)
    runs = RunDirectory(world.root / ".forkbot" / "runs")
    page = (runs.folder / runs.ids()[-1] / "report.html").read_text(encoding="utf-8")
    assert world.forkbot("report", "--format", "html").out == world.tidy(page.encode())
    place = tmp_path / "page.html"
    assert world.forkbot("report", "--format", "html", "--output", str(place)).out == ""
    assert place.read_text(encoding="utf-8") == page
    said = world.forkbot("report", "--output", str(place), code=2)
    assert said.err.splitlines() == [
        "error: --output takes a page",
        "hint: forkbot report --format html --output report.html",
    ]
    said = world.forkbot("report", "--format", "html", "--output", "/nowhere/page.html", code=1)
    assert said.err.splitlines() == [
        "error: /nowhere/page.html: cannot write it: No such file or directory"
    ]
