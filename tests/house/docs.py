"""The parts of the documents that are generated; ``python -m tests.house.docs`` writes them anew.

A part stands between ``<!-- name -->`` and ``<!-- end of name -->``.
"""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from forkbot.cli.main import COMMANDS, cli
from forkbot.model.smoke import CasePolicy, SmokePolicy
from forkbot.stackdir.load import load_family
from forkbot.stackdir.schema import Schema, policy_schema
from forkbot.verify.services import SERVICES, pages
from forkbot.words import Channel
from tests.house.layers import BLIND, FLOORS, MEANING, SIBLINGS
from tests.house.source import ROOT


def parts() -> Mapping[str, Mapping[str, str]]:
    """Return for each document its generated parts by name."""
    return {
        "README.md": {
            "hunks": _hunks((ROOT / "README.md").read_text(encoding="utf-8")),
            "commands": _commands(),
            "when": _when(),
            "exit codes": _exit_codes(),
            "components": _components(),
        },
        "CONTRIBUTING.md": {"layers": _layers(), "services": _services(), "pages": _pages()},
    }


def with_parts(text: str, generated: Mapping[str, str]) -> str:
    """Return a document with its generated parts as they should be."""
    for name, part in generated.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"the document has no part between {begin.strip()} and {end.strip()}")
        text = f"{before}{begin}{part}{end}{after}"
    return text


def exit_codes() -> dict[int, str]:
    """Return each exit code and its meaning, as ``forkbot --help`` tells them."""
    _, _, told = " ".join((cli.help or "").split()).partition("Exit codes: ")
    return {int(code): meaning for code, meaning in re.findall(r"(\d+) ([^,.]+)", told)}


def _hunks(text: str) -> str:
    """Return what the locks know of the patches' hunks: how many are missed, and which cannot be.

    As it stands in ``text`` where a lock knows nothing: a night that moves a base forgets it.
    """
    stacks = [stack.on(Channel.RELEASE) for stack in load_family(ROOT)]
    known = [
        (stack, hunk)
        for stack in stacks
        if (lock := stack.lock.channel(Channel.RELEASE)) and lock.hunks
        for hunk in lock.hunks.patches
    ]
    if {s.name for s in stacks if s.patches} - {s.name for s, _ in known}:
        return text.partition("<!-- hunks -->\n")[2].partition("<!-- end of hunks -->\n")[0]
    red = sum(not hunk.green for _, hunk in known)
    rows = "".join(
        f"| {stack.name} | `{hunk.patch}` | `{hunk.hunk}` | {hunk.excuse or 'nobody knows'} |\n"
        for stack, hunk in known
        if hunk.green
    )
    return (
        f"Of {len(known)} hunks {red} turn something red when they alone are taken back. "
        "Nothing can miss the rest:\n\n"
        f"| stack | patch | hunk | why |\n|---|---|---|---|\n{rows}"
    )


def _commands() -> str:
    rows = "".join(f"| `forkbot {name}` | {text} |\n" for name, (_, text) in COMMANDS.items())
    return f"| command | what it does |\n|---|---|\n{rows}"


def _exit_codes() -> str:
    rows = "".join(f"| {code} | {meaning} |\n" for code, meaning in exit_codes().items())
    return f"| code | meaning |\n|---|---|\n{rows}"


def _when() -> str:
    fields = policy_schema()["$defs"]["WhenPolicy"]["properties"]
    rows = "".join(
        f"| `{name}` | {field['description']} | {_choices(field)} |\n"
        for name, field in fields.items()
    )
    return f"| key | what it is about | what may stand there |\n|---|---|---|\n{rows}"


def _choices(field: Schema) -> str:
    """Return what may stand there, the default first."""
    default = field["default"]
    others = [choice for choice in field["enum"] if choice != default]
    return ", ".join((f"**`{default}`**", *(f"`{other}`" for other in others)))


def _components() -> str:
    """Return each case of each component of the stacks here: what it must come to."""
    rows = "".join(
        f"| {stack.name}: `{smoke.name}` | `{name}` | {_with_stacks(smoke)} | "
        f"{_on_upstream(smoke, case)} |\n"
        for stack in load_family(ROOT)
        for smoke in stack.policy.smoke
        for name, case in smoke.cases.items()
    )
    head = "| component | case | with the stacks | on pristine upstream |\n|---|---|---|---|\n"
    return f"\n{head}{rows}\n"


def _with_stacks(smoke: SmokePolicy) -> str:
    on = f" for {smoke.target}" if smoke.target else ""
    return f"red{on}, a canary: {_quoted(smoke.canary)}" if smoke.canary else "green"


def _on_upstream(smoke: SmokePolicy, case: CasePolicy) -> str:
    if smoke.canary:
        return ""
    if smoke.upstream.fails:
        return f"does not build: {_quoted(smoke.upstream.fails)}"
    if case.upstream:
        return f"{'hangs' if case.hangs else 'red'}: {_quoted(case.upstream)}"
    return "green"


def _quoted(words: str) -> str:
    """Return a tool's words as code in a table's cell, whatever they contain."""
    fence = "``" if "`" in words else "`"
    pad = " " if "`" in (words[:1], words[-1:]) else ""
    escaped = words.replace("|", "\\|")
    return f"{fence}{pad}{escaped}{pad}{fence}"


def _services() -> str:
    """Return what is served to components, asked of the services themselves."""
    rows = []
    for name, service in SERVICES.items():
        with service("word") as env:
            variables = ", ".join(f"`{variable}`" for variable in env)
        rows.append(f"| `{name}` | {variables} | {_first_line(service)} |\n")
    head = "| service | gives | what it does |\n|---|---|---|\n"
    return head + "".join(rows)


def _first_line(thing: object) -> str:
    return (thing.__doc__ or "").partition("\n")[0].rstrip(".")


def _pages() -> str:
    return "".join(f"{li}\n" for li in (pages.__doc__ or "").splitlines() if li.startswith("|"))


def _layers() -> str:
    rows = []
    for floor, meaning in reversed(list(enumerate(MEANING))):
        rooms = [room for room, its in FLOORS.items() if its == floor and room]
        names = ", ".join(f"`{room}`" for room in rooms)
        notes = [f"`{a}` → {_listed(SIBLINGS[a])}" for a in rooms if a in SIBLINGS]
        notes += [f"`{a}` never sees {_blind(a)}" for a in rooms if a in BLIND]
        rows.append(f"| {floor} | {names} | {meaning} | {'; '.join(notes)} |\n")
    head = "| floor | rooms | what it is | besides the floors below |\n|---|---|---|---|\n"
    return head + "".join(rows)


def _blind(room: str) -> str:
    whole = {r for r, floor in FLOORS.items() if floor >= 2}
    return "floors 2 and up" if BLIND[room] == whole else _listed(BLIND[room])


def _listed(rooms: AbstractSet[str]) -> str:
    return ", ".join(f"`{room}`" for room in sorted(rooms))


def main() -> None:
    """Write the generated parts of every document."""
    for name, generated in parts().items():
        path = ROOT / name
        path.write_text(with_parts(path.read_text(encoding="utf-8"), generated), encoding="utf-8")


if __name__ == "__main__":
    main()
