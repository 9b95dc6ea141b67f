"""A machine that proves: what ``forkbot verify --newest`` would write, without its builds."""

import contextlib
import datetime as dt
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from forkbot import __version__
from forkbot.attempt import attempt_rebase
from forkbot.locate import Aim
from forkbot.model.record import RunRecord
from forkbot.model.verdict import Build, Colour, Verdict
from forkbot.session import Session
from forkbot.stackdir.load import load_family
from forkbot.verification import member_of
from forkbot.verify.judge import as_facts, verification_key
from forkbot.verify.toolchain import TARGET
from forkbot.words import Channel, StackName
from tests.e2e.world import NOW, World

Change = Callable[[Verdict], Verdict]


def prove(
    world: World, name: str = "all", *, stacks: Iterable[str] = (),
    change: Change = lambda v: v,
) -> Path:  # fmt: skip
    """Write the record of a machine on which all was green; ``change`` makes it another one."""
    session = Session(
        root=world.root, cache=world.place / "elsewhere", ambient=world.env, channel=Channel.MAIN,
        now=dt.datetime.fromtimestamp(NOW, tz=dt.UTC), say=lambda _: None, dry_run=True,
    )  # fmt: skip
    wanted = set(stacks)
    with contextlib.ExitStack() as held:
        members = tuple(
            member_of(
                attempt_rebase(
                    stack, chosen=True, session=session, aim=Aim(), toolchain=None, held=held
                ),
                session,
            )
            for stack in load_family(world.root, Channel.MAIN)
            if not wanted or stack.name in wanted
        )
        key = verification_key(
            members, channel=Channel.MAIN, target=TARGET, rustc="rustc 1", wasmtime="wasmtime 1"
        )
        facts = as_facts(members)
    verdict = change(
        Verdict(
            channel=Channel.MAIN, key=key, target=TARGET, rustc="rustc 1", wasmtime="wasmtime 1",
            members=facts, builds=tuple(build(m.stack) for m in facts), smokes=(),
        )
    )  # fmt: skip
    record = RunRecord(
        id="elsewhere", command="forkbot verify --newest", channel=Channel.MAIN,
        forkbot=__version__, git="2", dry_run=False, seconds=1.0, stacks=(), verdict=verdict,
        exit_code=0,
    )  # fmt: skip
    path = world.place / "records" / name / "record.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(record))
    return path


def build(stack: StackName, *, colour: Colour = Colour.GREEN, why: str = "") -> Build:
    """Return a build of one package."""
    return Build(
        stack=stack, package=stack, features=(), default_features=True, colour=colour, units=1,
        seconds=1.0, why=why,
    )  # fmt: skip


def git_alone(world: World) -> Path:
    """Return a folder for PATH with git in it: where there is no more, nothing is built."""
    folder = world.place / "bin"
    folder.mkdir()
    git = shutil.which("git")
    assert git is not None
    (folder / "git").symlink_to(git)
    return folder
