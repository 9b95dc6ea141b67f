"""Which conditions a line of Rust stands under: by example, and by nests made for it."""

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkbot.rebase.cfg import Condition
from forkbot.rebase.gates import RustFile, item_name, module_files


def gated(text: str) -> list[str]:
    """Return each line that is more than blanks, with what it stands under."""
    text = dedent(text).strip("\n")
    file = RustFile(text)
    return [
        f"{line.strip()}  {' '.join(map(str, file.condition(n).parts or ()))}".rstrip()
        for n, line in enumerate(text.split("\n"), start=1)
        if line.strip()
    ]


def under(text: str, gate: str = "unix") -> list[str]:
    """Return the lines that stand under a gate."""
    return [li.removesuffix(f"  {gate}") for li in gated(text) if li.endswith(f"  {gate}")]


def test_an_attribute_reaches_to_the_end_of_its_item() -> None:
    assert gated(
        """
        use a;
        #[cfg(unix)]
        /// Words } that mean nothing.
        #[derive(Debug)]
        pub(crate) struct Foo<A, B>
        where
            A: Into<[u8; 4]>,
        {
            a: A, // }
            #[cfg(windows)]
            b: B,
            c: char,
        }
        fn after() {}
        """
    ) == [
        "use a;",
        "#[cfg(unix)]  unix",
        "/// Words } that mean nothing.  unix",
        "#[derive(Debug)]  unix",
        "pub(crate) struct Foo<A, B>  unix",
        "where  unix",
        "A: Into<[u8; 4]>,  unix",
        "{  unix",
        "a: A, // }  unix",
        "#[cfg(windows)]  unix windows",
        "b: B,  unix windows",
        "c: char,  unix",
        "}  unix",
        "fn after() {}",
    ]


@pytest.mark.parametrize(
    "item",
    [
        "mod a;",
        "pub use a::{b, c};",
        "const X: Foo = Foo { a: 1 };",
        "const fn x() -> u8 {\n    1\n}",
        'static X: &str = "};";',
        "type A = B<{ 3 }>;",
        "let Some(x) = y else {\n    return;\n};",
        "let x = match y {\n    A => 1,\n    _ => 2,\n};",
        "unsafe impl Send for A {\n    fn a() {}\n}",
        'pub async unsafe extern "C" fn a<T, U>(b: [u8; 2]) -> (C, D) {\n    b;\n}',
        "macro_rules! a {\n    () => { b; c };\n}",
        "if a {\n    b;\n} else if c {\n    d;\n} else {\n    e;\n}",
        "{\n    a;\n    b;\n}",
        "a.b(|c| {\n    d;\n})?;",
        "match a {\n    B => {}\n}\n.c();",
        "thread_local! {\n    static A: B = C;\n}",
        "fn a() {\n    let b = '{'; let c = b'}'; let d = \"\\\"}\"; let e: &'a str;\n}",
        'fn a() {\n    r#"}"} "#; br##"}"#"##; /* } /* } */ } */ \'x: loop {}\n}',
        "fn r#type() {\n    '\\u{7d}'; '\\''; '\\\\';\n}",
    ],
)
def test_where_it_ends(item: str) -> None:
    around = f"fn x() {{\n    first;\n    #[cfg(unix)]\n    {item}\n    last;\n}}"
    lines = [li.strip() for li in item.split("\n")]
    assert under(around) == ["#[cfg(unix)]", *lines]


def test_fields_variants_and_arms_end_at_their_comma() -> None:
    arms = "match a {\n#[cfg(unix)]\nB { c, .. } if d => {\ne\n}\nF => 1,\n#[cfg(unix)]\nG => 2,\n}"
    assert under(arms) == [
        "#[cfg(unix)]",
        "B { c, .. } if d => {",
        "e",
        "}",
        "#[cfg(unix)]",
        "G => 2,",
    ]
    assert under("enum A {\n#[cfg(unix)]\nB(u8),\nC,\n}") == ["#[cfg(unix)]", "B(u8),"]
    assert under("f(\n#[cfg(unix)]\na,\nb,\n#[cfg(unix)]\nc\n)") == [
        "#[cfg(unix)]", "a,", "#[cfg(unix)]", "c"
    ]  # fmt: skip


def test_an_inner_attribute_speaks_of_all_around_it() -> None:
    assert under("#![cfg(unix)]\nfn a() {}") == ["#![cfg(unix)]", "fn a() {}"]
    assert under("mod a {\n#![cfg(unix)]\nfn b() {}\n}\nfn c() {}") == [
        "mod a {", "#![cfg(unix)]", "fn b() {}", "}"
    ]  # fmt: skip


def test_macros_gate_what_is_in_them() -> None:
    assert gated("cfg_net! {\n#[cfg(unix)]\nmod a;\n}\nif_wasm! { b }\nfoo! { c }") == [
        "cfg_net! {  cfg_net!",
        "#[cfg(unix)]  unix cfg_net!",
        "mod a;  unix cfg_net!",
        "}  cfg_net!",
        "if_wasm! { b }  if_wasm!",
        "foo! { c }",
    ]


def test_what_a_macro_is_defined_to_ask() -> None:
    file = RustFile(
        dedent(
            """
            macro_rules! cfg_net {
                ($($item:item)*) => {
                    $(
                        #[cfg(feature = "net")]
                        #[cfg_attr(docsrs, doc(cfg(feature = "net")))]
                        $item
                    )*
                }
            }
            macro_rules! cfg_two {
                ($a:item) => { #[cfg(a)] $a };
                ($a:item, $b:item) => { #[cfg(a)] $a #[cfg(b)] $b };
            }
            macro_rules! other { () => { #[cfg(c)] fn x() {} } }
            """
        )
    )
    assert file.macros() == {"cfg_net!": Condition('feature = "net"')}
    inner = Condition("not", (Condition("cfg_net!"),))
    assert str(inner.expanded(file.macros())) == 'not(feature = "net")'


def test_each_branch_of_cfg_if() -> None:
    assert gated(
        """
        cfg_if::cfg_if! {
            if #[cfg(unix)] {
                a;
            } else if #[cfg(windows)] {
                b;
            } else {
                c;
            }
        }
        """
    ) == [
        "cfg_if::cfg_if! {",
        "if #[cfg(unix)] {  unix",
        "a;  unix",
        "} else if #[cfg(windows)] {  unix not(unix) windows",
        "b;  not(unix) windows",
        "} else {  not(unix) windows not(windows)",
        "c;  not(unix) not(windows)",
        "}  not(unix) not(windows)",
        "}",
    ]


def test_a_question_at_run_time_gates_its_block() -> None:
    assert gated(
        "if !cfg!(unix) {\na\n} else {\nb\n}\nif cfg!(unix) && c {\nd\n}\nif e {\nf\n}"
    ) == [
        "if !cfg!(unix) {  not(unix)",
        "a  not(unix)",
        "} else {  not(unix) not(not(unix))",
        "b  not(not(unix))",
        "}  not(not(unix))",
        "if cfg!(unix) && c {  unix",
        "d  unix",
        "}  unix",
        "if e {",
        "f",
        "}",
    ]


def test_modules_and_where_their_files_are() -> None:
    file = RustFile(
        dedent(
            """
            pub mod open;
            #[cfg(unix)]
            #[path = "sys/unix.rs"]
            mod sys;
            #[cfg(windows)]
            #[path = "sys/windows.rs"]
            mod sys;
            cfg_net! { mod inline { pub mod inner; } }
            // mod gone;
            """
        )
    )
    assert {key: str(condition) for key, condition in file.modules().items()} == {
        ("open", ""): "any(all())",
        ("sys", "sys/unix.rs"): "any(all(unix))",
        ("sys", "sys/windows.rs"): "any(all(windows))",
        ("inline/inner", ""): "any(all(cfg_net!))",
    }
    assert module_files("src/lib.rs", "net", "") == ("src/net.rs", "src/net/")
    assert module_files("src/net/mod.rs", "tcp", "") == ("src/net/tcp.rs", "src/net/tcp/")
    assert module_files("src/net.rs", "tcp", "") == ("src/net/tcp.rs", "src/net/tcp/")
    assert module_files("src/a.rs", "sys", "unix/mod.rs") == ("src/unix/mod.rs", "src/unix/")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("pub(crate) async fn a<T>() {", "fn a"),
        ("impl<T> A  for B {", "impl<T> A for B {"),
        ("pub use a::b;", "use a::b;"),
        ("use a::b;", ""),
        ("const A: u8 = 1;", "const A"),
        ("pub const A: u8 = 1;", "const A"),
        ("pub const unsafe fn a() {}", "fn a"),
        ("static mut A: u8 = 1;", "static mut A"),
        ("macro_rules! a {", "macro_rules! a"),
        ("let a = fn_pointer;", ""),
        ("foo(bar);", ""),
        ("implied();", ""),
        ("}", ""),
    ],
)
def test_what_begins_something_with_a_name(line: str, name: str) -> None:
    assert item_name(f"    {line}") == name


# A nest of items, each line with the gates it must be under: the scanner has to find the same.
Lines = list[tuple[str, tuple[str, ...]]]
NOISE = st.sampled_from(
    ['let s = "}{";', "// } {", "/* { /* } */ */", "let c = '}';", "let l: &'a u8 = r#\"}\"\"#;",
     "a;", "b([1, 2], |x| { y });", "let z = S { a, b };", ""]
)  # fmt: skip


def _block(head: str, gate: str, how: str, inner: list[Lines]) -> Lines:
    body = [line for lines in inner for line in lines]
    if how == "attribute":
        whole = [(f"#[cfg({gate})]", ()), (f"{head} {{", ()), *body, ("}", ())]
    elif how == "macro":
        whole = [(f"cfg_{gate}! {{", ()), *body, ("}", ())]
    else:
        return [(f"{head} {{", ()), *body, ("}", ())]
    name = gate if how == "attribute" else f"cfg_{gate}!"
    return [(text, (name, *gates)) for text, gates in whole]


NESTS: st.SearchStrategy[list[Lines]] = st.recursive(
    st.lists(NOISE.map(lambda text: [(text, ())]), max_size=3),
    lambda inner: st.lists(
        st.builds(
            _block,
            st.sampled_from(
                ["fn a<T, U>(x: [u8; 3])", "pub mod a", "impl<'a> A<'a> for B", "loop"]
            ),
            st.sampled_from("pqr"),
            st.sampled_from(["attribute", "macro", "nothing"]),
            inner,
        ),
        max_size=3,
    ),
    max_leaves=12,
)


@given(NESTS)
def test_a_nest_is_seen_through(nest: list[Lines]) -> None:
    lines = [line for lines in nest for line in lines]
    file = RustFile("\n".join(text for text, _ in lines))
    seen = [
        tuple(sorted(str(part) for part in file.condition(n).parts or ()))
        for n in range(1, len(lines) + 1)
    ]
    assert seen == [tuple(sorted(gates)) for _, gates in lines]


@given(st.text(alphabet="#[]cfg(unix){};'\"/*r!\\\n mod", max_size=80))
def test_any_text_gives_an_answer(text: str) -> None:
    file = RustFile(text)
    assert len(file.code) == len(file.bare) == len(text)
    file.modules()
    for line in range(1, text.count("\n") + 2):
        file.condition(line)
