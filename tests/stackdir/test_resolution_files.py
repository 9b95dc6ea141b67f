"""Resolution files: read whole or refused with file and line, and never at odds with their name."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from forkbot.errors import UsageError
from forkbot.model.resolution import FileAnswer, HunkAnswer, Resolution
from forkbot.stackdir.resolutions import (
    file_name,
    load_resolutions,
    read_resolution,
    render_resolution,
)
from forkbot.words import Channel, Oid, PatchName

OID = Oid("4b825dc642cb6eb9a060e54bf8d69288fbee4904")


def answer(**texts: bytes) -> Resolution:
    """Return an answer to a region."""
    empty = dict.fromkeys(("above", "base", "upstream", "ours", "below", "resolved"), b"")
    return Resolution(
        patch=PatchName("fix"), author="Ada", date="2026-11-18", channel=Channel.MAIN, onto=OID,
        onto_label="v1.0.0", hunk=HunkAnswer(path=b"src/lib.rs", **{**empty, **texts}),
    )  # fmt: skip


def written(folder: Path, resolution: Resolution) -> Path:
    """Write a resolution where it belongs."""
    path = folder / file_name(resolution)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(render_resolution(resolution))
    return path


@example(texts=[b"a line\n", b""])  # a path that would go on the next line
@given(
    texts=st.lists(
        st.binary(max_size=20)
        | st.text(
            st.sampled_from(" \t\n\r#-:|>\"'\\aé\u2028\u0085\ufeff😀\x00"), max_size=12
        ).map(str.encode),
        min_size=2, max_size=2,
    )
)  # fmt: skip
def test_any_bytes_come_back(tmp_path_factory: pytest.TempPathFactory, texts: list[bytes]) -> None:
    folder = tmp_path_factory.mktemp("stack")
    whole = Resolution(
        patch=PatchName("fix"), author="é: #", date="2026-11-18", tool="t 1.0",
        channel=Channel.RELEASE, onto=OID, onto_label="1.10",
        files=(
            FileAnswer(path=texts[0] or b"p", base=f"100644 {OID}", mode="100755",
                       content=texts[1]),
            FileAnswer(path=b"gone", merged=f"100644 {OID}"),
        ),
    )  # fmt: skip
    for resolution in (answer(base=texts[0], resolved=texts[1]), whole):
        assert read_resolution(written(folder, resolution)) == resolution


def test_what_is_wrong_is_told_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, answer(base=b"a\n", resolved=b"b\n"))
    right = path.read_text()

    def said(text: str) -> str:
        path.write_text(text)
        with pytest.raises(UsageError) as e:
            load_resolutions(tmp_path)
        return str(e.value).replace(str(tmp_path), "~").replace(path.stem, "KEY")

    assert said(right.replace("author:", "autor:")) == (
        "~/resolutions/fix/KEY.yaml:4: unknown key 'autor'\nhint: did you mean 'author'?"
    )
    assert said(right.replace(f'"{OID}"', "abc")) == (
        "~/resolutions/fix/KEY.yaml:7: onto: 'abc' is not a full object id\n"
        "hint: 40 hex digits in lower case; as in 4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    )
    other = read_key(right.replace("  a\n", "  A\n"), tmp_path)
    assert said(right.replace("  a\n", "  A\n")) == (
        f"~/resolutions/fix/KEY.yaml:3: what it says of the conflict belongs into {other}\n"
        "hint: only the answer may be edited by hand: "
        "git checkout HEAD -- ~/resolutions/fix/KEY.yaml"
    )
    assert said(right.partition("resolved:")[0]) == (
        "~/resolutions/fix/KEY.yaml:3: the key 'resolved' is missing\n"
        "hint: an answer to a region has both"
    )
    assert said(right + "files: []\nupstreem: x\n").splitlines()[0].endswith(
        "unknown key 'upstreem'"
    )  # fmt: skip
    # the answer is what a reviewer may change
    path.write_text(right.replace("  b\n", "  B\n"))
    assert load_resolutions(tmp_path) == (answer(base=b"a\n", resolved=b"B\n"),)


def read_key(text: str, folder: Path) -> str:
    """Return where a file with this text would belong."""
    assert "  A\n" in text
    return file_name(answer(base=b"A\n", resolved=b"b\n")).replace(str(folder), "~")


def test_a_file_that_nobody_would_read_is_refused(tmp_path: Path) -> None:
    written(tmp_path, answer(resolved=b"b\n"))
    (tmp_path / "resolutions" / "note.txt").write_text("x")
    with pytest.raises(UsageError, match=r"note\.txt would be read by nobody"):
        load_resolutions(tmp_path)
