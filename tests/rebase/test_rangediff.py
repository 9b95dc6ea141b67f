"""What a reviewer has to read anew of an adapted patch, and only that."""

from pathlib import Path

from forkbot.model.fate import Fate, PatchOutcome
from forkbot.words import Oid
from tests.scenario import Content, Upstream, carried, make_stack

LINES = "".join(f"line {n}\n" for n in range(1, 21))


def outcomes(
    upstream: Upstream, base: Oid, patches: dict[str, dict[str | bytes, Content]], folder: Path
) -> dict[str, PatchOutcome]:
    """Rebase a stack onto upstream's tip and return what became of each patch."""
    stack, _ = make_stack(upstream, base, patches)
    facts = carried(stack, upstream, base, folder).facts
    return {str(o.name): o for o in facts.outcomes}


def test_an_adapted_patch_is_shown_against_what_it_was(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": LINES, "b.rs": LINES})
    upstream.commit("next door", {"a.rs": LINES.replace("line 7\n", "line 7\nline 7 and a half\n")})
    found = outcomes(
        upstream,
        base,
        {
            "near": {"a.rs": LINES.replace("line 10\n", "line ten\n")},
            "far": {"b.rs": LINES.replace("line 10\n", "zürich\n")},
        },
        tmp_path,
    )
    assert (found["near"].fate, found["far"].fate) == (Fate.ADAPTED, Fate.SHIFTED)
    assert found["far"].range_diff == ""
    assert found["near"].range_diff.splitlines() == [
        "@@ Metadata",
        "  ## Commit message ##",
        " ",
        "  ## a.rs ##",
        "-@@ a.rs: line 6",
        "- line 7",
        "+@@ a.rs: line 7",
        "+ line 7 and a half",
        "  line 8",
        "  line 9",
        " -line 10",
    ]


def test_the_base_that_stays_has_nothing_to_compare(upstream: Upstream, tmp_path: Path) -> None:
    base = upstream.commit("base", {"a.rs": LINES})
    found = outcomes(upstream, base, {"fix": {"a.rs": LINES + "ours\n"}}, tmp_path)
    assert (found["fix"].fate, found["fix"].range_diff) == (Fate.UNCHANGED, "")
