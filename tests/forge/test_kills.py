"""Killed at any write, before or after it was done: the next run makes what one run makes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import forkbot
from forkbot.errors import RemoteError
from forkbot.forge.marker import parse
from forkbot.model.artefact import Act
from forkbot.tell import Plan, carry_out, plan_telling
from tests.forge.emulator import Emulator
from tests.forge.gate import Asked, Gate
from tests.forge.places import GitHubPlace, LocalPlace, Place, Seen, tell
from tests.forge.scenes import SCENES, Scene

POINTS = [
    pytest.param(scene, number, after, id=f"{scene}-{number}-{'after' if after else 'before'}")
    for scene in SCENES
    for number in range(scene.writes)
    for after in (False, True)
]


@pytest.fixture(scope="module")
def wholes() -> dict[str, list[Seen]]:
    return {}


def uninterrupted(scene: Scene, place: GitHubPlace) -> list[Seen]:
    """Return what one run makes of the scene, in as many writes as it says."""
    scene.before(place)
    place.gate.fresh()
    tell(place, scene.wish)
    assert len(place.gate.writes) == scene.writes, place.gate.writes
    return place.seen()


@pytest.mark.parametrize(("scene", "number", "after"), POINTS)
def test_a_line_that_breaks_at_any_write_leaves_one_artefact(
    scene: Scene, number: int, *, after: bool, github: GitHubPlace, wholes: dict[str, list[Seen]]
) -> None:
    if scene.name not in wholes:
        wholes[scene.name] = uninterrupted(scene, GitHubPlace(github.gate, github.emulator))
    scene.before(github)
    github.gate.fresh()
    github.gate.cut(number, after=after)
    github.forge = github.client()
    with pytest.raises(RemoteError):
        tell(github, scene.wish)
    github.gate.fresh()
    github.forge = github.client()  # the next run knows nothing of this one
    tell(github, scene.wish)
    assert github.seen() == wholes[scene.name]
    github.gate.fresh()
    assert tell(github, scene.wish).act is Act.NOTHING
    assert github.gate.writes == []


@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_a_run_that_ends_between_any_two_steps_leaves_one_artefact(
    scene: Scene, tmp_path: Path
) -> None:
    """The same on files, where each step is one write."""

    def plan(place: Place) -> Plan:
        return plan_telling(scene.wish, place.forge.artefacts(place.repo), repo=place.repo)

    whole = LocalPlace(tmp_path / "whole")
    scene.before(whole)
    steps = plan(whole).steps
    carry_out(plan(whole), forge=whole.forge)
    for count in range(len(steps)):
        place = LocalPlace(tmp_path / str(count))
        scene.before(place)
        begun = plan(place)
        carry_out(Plan(telling=begun.telling, steps=begun.steps[:count]), forge=place.forge)
        carry_out(plan(place), forge=place.forge)
        assert place.seen() == whole.seen()


STORY = """\
import os, sys
from forkbot.forge.auth import parse_token
from forkbot.forge.github import GitHubForge
from forkbot.tell import carry_out, plan_telling
from tests.forge.scenes import SCENES
url, repo, number = sys.argv[1:]
token = parse_token(sys.stdin.readline(), where="stdin")
forge = GitHubForge(token, owner="forkbot", ambient=dict(os.environ), api=url, web=url, pace=0)
carry_out(plan_telling(SCENES[int(number)].wish, forge.artefacts(repo), repo=repo), forge=forge)
"""


@pytest.mark.parametrize("number", range(SCENES[-1].writes))
def test_a_killed_process_leaves_one_artefact(
    number: int, github: GitHubPlace, gate: Gate, running: Emulator
) -> None:
    """No unwinding, no exception: SIGKILL when GitHub has done the write and not yet said so."""
    scene = SCENES[-1]
    expected = uninterrupted(scene, GitHubPlace(gate, running))
    scene.before(github)
    gate.fresh()
    argv = [sys.executable, "-c", STORY, gate.url, github.repo, str(len(SCENES) - 1)]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(forkbot.__file__).parent.parent)}
    child = subprocess.Popen(argv, env=env, stdin=subprocess.PIPE)

    def kill(asked: Asked) -> None:
        if asked.writes and len(gate.writes) == number + 1:
            os.kill(child.pid, signal.SIGKILL)

    gate.done = kill
    child.communicate(b"ghp_ofTheBot\n", timeout=60)
    assert child.returncode == -signal.SIGKILL
    gate.fresh()
    tell(github, scene.wish)
    assert github.seen() == expected
    assert [parse(s.text) is not None for s in github.seen() if s.open] == [True]
