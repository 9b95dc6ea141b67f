"""A calm edit leaves every line under the gates it stood under: held to the reader of gates."""

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from forkbot.rebase.calm import is_calm
from forkbot.rebase.edits import Edit, carried
from forkbot.rebase.gates import RustFile

LINES = st.lists(
    st.sampled_from(
        [
            "#[cfg(unix)]", "#[derive(Debug)]", "fn a() {", "fn b(", "    x: u8,", ") -> u8", "{",
            "}", "};", "    one();", "    let y =", "        two();", "    three()", "mod net;",
            "mod inner {", "use a::b;", "struct S;", "struct T {", "    field: u8,", "    other:",
            "        u16,", "cfg_rt! {", "// a word }", "/* opens", "closes */", '    say("{");',
            '    say("', '");', "    else {", "impl S {", "    .call()", "const C: u8 = 1;", "",
            "    #[cfg(windows)]", "match x {", "    A => one(),", "    B", "    => two(),",
        ]
    ),
    max_size=14,
)  # fmt: skip


@given(before=LINES, new=LINES, data=st.data())
def test_what_a_calm_edit_leaves_alone_keeps_its_gates(
    before: list[str], new: list[str], data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(before)))
    stop = data.draw(st.integers(start, min(len(before), start + 3)))
    new = new[:3]
    after = [*before[:start], *new, *before[stop:]]
    edit = Edit(range(start, stop), range(start, start + len(new)))
    calm = is_calm(
        [edit], [f"{li}\n".encode() for li in before], [f"{li}\n".encode() for li in after]
    )
    event(f"calm: {calm}")
    if calm:
        old_file, new_file = RustFile("\n".join(before)), RustFile("\n".join(after))
        for old, now in carried([edit], range(len(before))).items():
            if before[old].strip():
                was, is_ = old_file.condition(old + 1), new_file.condition(now + 1)
                assert was == is_


@pytest.mark.parametrize(
    ("old", "new", "calm"),
    [
        pytest.param("    one();\n", "    two();\n    three();\n", True, id="statements"),
        pytest.param("    one();\n", '    say("a {}", b);\n', True, id="a string"),
        pytest.param("    one();\n", "    #[cfg(unix)]\n    one();\n", False, id="a gate"),
        pytest.param("    one();\n", "    one();\n}\nfn c() {\n", False, id="another block"),
        pytest.param("    one();\n", "    one(); /*\n", False, id="a comment that stays open"),
    ],
)
def test_examples(old: str, new: str, *, calm: bool) -> None:
    around = [b"fn a() {\n", b"    zero();\n"], [b"}\n"]
    olds, news = old.encode().splitlines(keepends=True), new.encode().splitlines(keepends=True)
    edit = Edit(range(2, 2 + len(olds)), range(2, 2 + len(news)))
    texts = ([*around[0], *lines, *around[1]] for lines in (olds, news))
    assert is_calm([edit], *texts) is calm
