"""Upstream's code hunts for secrets, in a real build script and a real proc-macro: it finds none.

The same hunter is set off without seclusion first, and finds every one: what it misses is hidden.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from forkbot import process
from forkbot.cargo import Cargo, cargo_env
from forkbot.errors import TimedOutError, UsageError
from forkbot.process.seclusion import View, secluded, why_not
from forkbot.verify.build import compile_package
from forkbot.verify.family import Family
from forkbot.verify.sight import without_secrets
from forkbot.verify.workshop import Workshop
from tests.verify.machine import quiet

HUNTER = (Path(__file__).parent / "hunter.rs").read_text()
ALL = {
    "environment: FORKBOT_TOKEN",
    "file: PLACE/.git/config",
    "file: PLACE/home/.cargo/config.toml",
    "file: PLACE/home/.cargo/credentials.toml",
    "file: PLACE/home/.config/gh/hosts.yml",
    "file: PLACE/home/.git-credentials",
    "file: PLACE/home/.gitconfig",
    "git config: .",
    "git config: PLACE",
    "may write: PLACE/family/Cargo.toml",
    "may write: PLACE/home/.cargo/config.toml",
    "may write: PLACE/src/planted",
    "network: loopback",
    "process: environ",
    "socket: an abstract one",
    "socket: an agent's",
}


@pytest.fixture
def path() -> str:
    """Return this system's PATH, if it can seclude and has a cargo."""
    found = os.environ["PATH"]
    if why := why_not(found):
        pytest.skip(f"this system cannot seclude: {why}")
    if shutil.which("cargo") is None:
        pytest.skip("no cargo on PATH")
    return found


def plant(place: Path) -> None:
    """Put secrets where people and tools keep them."""
    home = place / "home"
    for name, text in {
        ".git/config": '[http "https://github.com/"]\n\textraheader = AUTHORIZATION: HUSH-1\n',
        "home/.gitconfig": '[credential]\n\thelper = "!echo password=HUSH-2"\n',
        "home/.git-credentials": "https://x-access-token:HUSH-3@github.com\n",
        "home/.config/gh/hosts.yml": "github.com: {oauth_token: HUSH-4}\n",
        "home/.cargo/credentials.toml": '[registry]\ntoken = "HUSH-5"\n',
        "home/.cargo/config.toml": "[net]\noffline = true\n"
        '[registries.ours]\nindex = "sparse+https://ours.invalid/"\ntoken = "HUSH-6"\n',
        "src/planted": "",
    }.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    subprocess.run(
        ["git", "init", "-q", str(place)], check=True, env={**os.environ, "HOME": str(home)}
    )


def write_crates(place: Path, hunter: str) -> None:
    """Lay out a crate with a build script and a proc-macro that hunt, and a workspace with it."""
    for name, text in {
        "src/demo/Cargo.toml": '[package]\nname = "demo"\nversion = "1.0.0"\nedition = "2021"\n'
        '[dependencies]\nhunting = { path = "../hunting" }\n',
        "src/demo/build.rs": f'{hunter}\nfn main() {{ hunt(&std::env::var("OUT_DIR").unwrap(), '
        '"script"); }\n',
        "src/demo/src/lib.rs": "hunting::hunt!();\n",
        "src/hunting/Cargo.toml": '[package]\nname = "hunting"\nversion = "1.0.0"\n'
        'edition = "2021"\n[lib]\nproc-macro = true\n',
        "src/hunting/src/lib.rs": f"mod hunter {{ {hunter} }}\n#[proc_macro]\n"
        "pub fn hunt(_: proc_macro::TokenStream) -> proc_macro::TokenStream {\n"
        '    hunter::hunt(&std::env::var("OUT_DIR").unwrap(), "macro");\n'
        "    proc_macro::TokenStream::new()\n}\n",
        "family/Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["build"]\n',
        "family/build/Cargo.toml": '[package]\nname = "build"\nversion = "0.0.0"\n'
        'edition = "2021"\n[dependencies]\ndemo = { path = "../../src/demo" }\n',
        "family/build/src/lib.rs": "",
    }.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)


@contextlib.contextmanager
def secrets_in_reach(place: Path, env: dict[str, str]) -> Iterator[str]:
    """Lend the hunter's words, while there are sockets to find and a process that has a token."""
    name = f"forkbot-hush-{os.getpid()}"
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_UNIX) as agent,
        socket.socket(socket.AF_UNIX) as hidden,
    ):
        for listener, at in ((agent, str(place / "agent.sock")), (hidden, f"\0{name}")):
            listener.bind(at)
            listener.listen()
        told = {"PLACE": str(place), "PORT": str(tcp.getsockname()[1]), "ABSTRACT": name}
        hunter = HUNTER
        for key, value in told.items():
            hunter = hunter.replace(f"@{key}@", value)
        with subprocess.Popen(["sleep", "600"], env={**env, "FORKBOT_TOKEN": "HUSH-7"}) as keeper:
            try:
                yield hunter
            finally:
                keeper.kill()


def found(place: Path) -> dict[str, set[str]]:
    """Return what each hunter found, and forget it."""
    told = {}
    for file in (place / "target").rglob("*.found"):
        lines = file.read_text().replace(str(place), "PLACE").splitlines()
        told[file.stem] = set(lines)
    shutil.rmtree(place / "target")
    return told


def test_a_build_script_and_a_macro_find_no_secret(tmp_path: Path, path: str) -> None:
    place = tmp_path / "place"
    plant(place)
    env = {
        **cargo_env(os.environ),
        "CARGO_HOME": str(place / "home" / ".cargo"),
        "HOME": str(place / "home"),
        "PATH": path,
    }
    with secrets_in_reach(place, env) as hunter:
        write_crates(place, hunter)
        build = ["cargo", "build", "--offline", "--target-dir", str(place / "target")]
        subprocess.run(
            build, cwd=place / "family", env={**env, "FORKBOT_TOKEN": "HUSH-8"}, check=True,
            timeout=300,
        )  # fmt: skip
        # the control: all of it is there to be found
        assert found(place) == {"script": ALL, "macro": ALL}

        config = (place / "home" / ".cargo" / "config.toml").read_bytes()
        cargo = shutil.which("cargo")
        assert cargo is not None
        host = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
        target = next(li.removeprefix("host: ") for li in host.splitlines() if li[:5] == "host:")
        done = compile_package(
            "build",
            family=Family(
                workspace=place / "family", sources=place / "src", crates=("demo",), builds=(),
                smokes=(),
            ),
            workshop=Workshop(
                cargo=Cargo(program=Path(cargo), env=env), target=target,
                target_dir=place / "target", host=target, secluded=True,
            ),
            say=quiet,
        )  # fmt: skip
        assert (done.ok, done.why) == (True, "")
        assert done.units == 3
        assert found(place) == {"script": set(), "macro": set()}
        assert (place / "home" / ".cargo" / "config.toml").read_bytes() == config
        assert not list((place / "view").iterdir()), "nothing is left of the view"


def test_all_that_a_secluded_child_started_ends_with_it(tmp_path: Path, path: str) -> None:
    """Also what went into a session of its own, which no signal to a group would reach."""
    mark = f"1{os.getpid()}.5"
    view = View(root=tmp_path)
    argv = secluded(["/bin/sh", "-c", f"setsid sleep {mark} & exec sleep {mark}"], view)
    with pytest.raises(TimedOutError):
        process.run(argv, env={"PATH": path}, timeout=3)
    deadline = time.monotonic() + 10
    while any(mark.encode() in line for line in _commands()):
        assert time.monotonic() < deadline, "it lives on"
        time.sleep(0.05)


def _commands() -> Iterator[bytes]:
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield file.read_bytes()


def test_a_secluded_childs_exit_code_and_words_come_through(tmp_path: Path, path: str) -> None:
    argv = secluded(["/bin/sh", "-c", "echo out; echo err >&2; exit 7"], View(root=tmp_path))
    done = process.run(argv, env={"PATH": path}, timeout=30, ok=None)
    assert (done.code, done.stdout, done.stderr) == (7, b"out\n", b"err\n")


def test_a_system_that_cannot_seclude_is_known(tmp_path: Path) -> None:
    (tmp_path / "unshare").write_text("#!/bin/sh\necho 'unshare: not permitted' >&2\nexit 1\n")
    (tmp_path / "unshare").chmod(0o755)
    assert why_not(f"{tmp_path}:{os.environ['PATH']}") == "unshare: not permitted"


@pytest.mark.parametrize("hidden", [True, False], ids=["hidden", "the control"])
def test_the_same_user_cannot_read_the_environment_of_a_forkbot_with_a_token(hidden: bool) -> None:  # noqa: FBT001
    """Root can: so where root runs this, somebody else asks, with a Python that they may start."""
    root = os.geteuid() == 0
    python = "/usr/bin/python3" if root else sys.executable
    version = "import sys; sys.exit(sys.version_info < (3, 11))"
    if subprocess.run([python, "-c", version], check=False).returncode != 0:
        pytest.skip(f"{python} is too old to ask as somebody else")
    who = 54_321 if root else None
    env = {"FORKBOT_TOKEN": "HUSH-9", "PYTHONPATH": str(Path(__file__).parents[2])}
    line = "from forkbot.process.seclusion import hide_memory as h; "
    line += "h(); " if hidden else ""
    argv = [python, "-c", line + "print(1, flush=True); input()"]
    with subprocess.Popen(
        argv, env=env, user=who, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as keeper:
        assert keeper.stdin is not None
        assert keeper.stdout is not None
        assert keeper.stdout.readline() == b"1\n"
        ask = ["cat", f"/proc/{keeper.pid}/environ"]
        asked = subprocess.run(ask, user=who, capture_output=True, check=False)
        keeper.communicate(b"\n", timeout=30)
    assert (b"HUSH-9" in asked.stdout) is not hidden


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('[registry]\ntoken = "x"\ndefault = "y"\n', '[registry]\ndefault = "y"\n'),
        ('registries.a.token = "x"\nregistries.a.index = "y"\n', 'registries.a.index = "y"\n'),
        ('[registries."a"]\n"secret-key" = "x"\n', '[registries."a"]\n'),
        ('[http]\nproxy = "u:p@h:1"\ntimeout = 3\n', "[http]\ntimeout = 3\n"),
        (
            '[source.crates-io]\nreplace-with = "a"\n[source.a]\ndirectory = "v"\n',
            '[source.crates-io]\nreplace-with = "a"\n[source.a]\ndirectory = "v"\n',
        ),
    ],
)
def test_cargos_configuration_is_shown_without_its_secrets(text: str, kept: str) -> None:
    assert without_secrets(text, where=Path("config.toml")) == kept


@pytest.mark.parametrize(
    "text",
    [
        'registries = { a = { token = "x" } }\n',
        '[registry]\n"credential-provider" = [\n  "x"\n]\n',
        '[source.a]\nregistry = "sparse+https://me:word@ours.invalid/"\n',
        '[registry]\n"to\\u006ben" = "x"\n',
    ],
)
def test_a_secret_that_cannot_be_left_out_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        without_secrets(text, where=Path("config.toml"))
    assert (
        caught.value.what == "this holds a secret that upstream's code would see while it is built"
    )
