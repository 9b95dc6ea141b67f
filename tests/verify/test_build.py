"""What is made of cargo's messages; cargo itself is a script here."""

import os
from pathlib import Path

from forkbot.cargo import Cargo
from forkbot.verify.build import Compiled, compile_package
from forkbot.verify.family import Family
from forkbot.verify.workshop import Workshop
from tests.verify.machine import program, quiet

FINISHED = '{"reason":"build-finished","success":true}'


def compiled(folder: Path, *lines: str, code: int = 0) -> Compiled:
    """Return what is made of a cargo that says ``lines``."""
    said = folder / "said"
    said.write_bytes("".join(f"{line}\n" for line in lines).encode(errors="surrogateescape"))
    cargo = program(folder / "cargo", f"cat {said}; exit {code}")
    (folder / "family").mkdir()
    return compile_package(
        "demo",
        family=Family(
            workspace=folder / "family", sources=folder / "src", crates=("demo",), builds=(),
            smokes=(),
        ),
        workshop=Workshop(
            cargo=Cargo(program=cargo, env={"PATH": os.environ["PATH"]}),
            target="wasm32-wasip2", target_dir=folder / "target", host="host", secluded=False,
        ),
        say=quiet,
    )  # fmt: skip


def artifact(folder: Path) -> str:
    """Return cargo's word that it compiled a crate of the family."""
    manifest = folder / "src" / "demo" / "Cargo.toml"
    return f'{{"reason":"compiler-artifact","manifest_path":"{manifest}","fresh":true}}'


def test_what_a_macro_prints_while_it_runs_is_no_message_of_cargos(tmp_path: Path) -> None:
    """rustc runs proc-macros in its own process, and cargo passes on whatever they print."""
    done = compiled(
        tmp_path, "{ no JSON", '{"reason": 7}', '{"said": "by a macro"}', "plain", "[1]", "",
        '{"reason": "\udcff"}', '{"deep": ' + "[" * 100_000, artifact(tmp_path), FINISHED,
    )  # fmt: skip
    assert (done.ok, done.why, done.units) == (True, "", 1)


def test_nothing_outside_the_target_folder_is_taken_for_a_component(tmp_path: Path) -> None:
    """A macro prints what it likes, a build script links where it likes; both would be run."""
    target = tmp_path / "target"
    target.mkdir()
    (tmp_path / "secret").write_text("token")
    (target / "link.wasm").symlink_to(tmp_path / "secret")
    (target / "real.wasm").touch()
    os.mkfifo(target / "pipe.wasm")
    places = (tmp_path / "secret", target / "link.wasm", target / ".." / "secret",
              target / "pipe.wasm", target, target / "gone.wasm", target / "real.wasm")  # fmt: skip
    lines = (f'{{"reason":"compiler-artifact","executable":"{p}"}}' for p in places)
    assert compiled(tmp_path, *lines, FINISHED).executables == (target / "real.wasm",)


def error(file: Path) -> str:
    """Return rustc's word that something is wrong in a file, as cargo passes it on."""
    return (
        '{"reason":"compiler-message","target":{"name":"demo"},"message":{'
        '"message":"no such thing","level":"error",'
        f'"code":{{"code":"E0425"}},"rendered":"error: no such thing\\n --> {file}:7:1\\n",'
        f'"spans":[{{"file_name":"{file}","line_start":7,"is_primary":true}}]}}}}'
    )


def test_a_failure_is_told_by_rustcs_first_error(tmp_path: Path) -> None:
    done = compiled(tmp_path, error(tmp_path / "src" / "demo" / "src" / "lib.rs"), code=101)
    assert (done.ok, done.why) == (False, "no such thing")
    assert [(d.file, d.line, d.code) for d in done.diagnostics] == [("demo/src/lib.rs", 7, "E0425")]


def test_a_file_has_the_same_name_on_every_machine(tmp_path: Path) -> None:
    """It gets into stack.lock, and from there to everybody."""
    home = tmp_path / "registry" / "cargo"
    files = (
        home
        / "registry"
        / "src"
        / "a-registry-1ecc6299db9ec823"
        / "hyper-1.7.0"
        / "src"
        / "lib.rs",
        Path("smoke/word/src/main.rs"),
    )
    done = compiled(tmp_path, *map(error, files), code=101)
    assert [d.file for d in done.diagnostics] == [
        "hyper-1.7.0/src/lib.rs",
        "smoke/word/src/main.rs",
    ]
