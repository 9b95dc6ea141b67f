"""stack.yaml and defaults.yaml at the door: each fault with file, line and what to write."""

import json
from pathlib import Path

import pytest

from forkbot.stackdir.load import load_family
from forkbot.words import Channel
from tests.stackdir.house import DEFAULTS, POLICY, House
from tests.stackdir.told import Break, expected, render

SMOKE = "smoke:\n  - {name: a, serves: [http], cases: {get: {upstream: dead}}}\n"


def added(text: str) -> Break:
    """Return what adds lines to stack.yaml."""
    return lambda house: house.write("stacks/demo/stack.yaml", POLICY + text)


def changed(old: str, new: str) -> Break:
    """Return what changes a part of stack.yaml."""
    assert old in POLICY + SMOKE
    whole = POLICY if old in POLICY else POLICY + SMOKE
    return lambda house: house.write("stacks/demo/stack.yaml", whole.replace(old, new))


def there(old: str, new: str) -> Break:
    """Return what changes the policy of a component that is there."""

    def broken(house: House) -> None:
        changed(old, new)(house)
        house.write("stacks/demo/smoke/a/Cargo.toml", "[package]\n")

    return broken


def written(data: str | bytes) -> Break:
    """Return what writes stack.yaml whole."""
    return lambda house: house.write("stacks/demo/stack.yaml", data)


def url(text: str) -> Break:
    """Return what changes upstream's URL."""
    return changed("https://github.com/example/demo", json.dumps(text))


def shared(text: str) -> Break:
    """Return what writes defaults.yaml."""
    return lambda house: house.write("stacks/defaults.yaml", text)


CASES: dict[str, Break] = {
    "an unknown key at the top": added("brnch: x\n"),
    "an unknown key in upstream": changed("branch: main", "brnch: main"),
    "an unknown key in release": changed("since: 1.2.0", "since: 1.2.0, pre-release: []"),
    "an unknown key in fork": changed("repo: demo", "repo: demo, branchs: {}"),
    "an unknown channel in fork.branches": changed("repo: demo", "repo: demo, branches: {mian: x}"),
    "an unknown key in the second build": added(
        "build:\n  - {package: demo}\n  - package: demo\n    default-feature: false\n"
    ),
    "an unknown key in smoke": changed("serves: [http]", "serve: [http]"),
    "an unknown key in smoke's upstream": changed("cases:", "upstream: {flags: []}, cases:"),
    "an unknown key in a case": changed("upstream: dead", "upstraem: dead"),
    "a component without cases": changed(", cases: {get: {upstream: dead}}", ""),
    "a component without a case": changed("{get: {upstream: dead}}", "{}"),
    "a list of cases": changed("{get: {upstream: dead}}", "[get]"),
    "a case's name like an option": changed("get:", "--get:"),
    "a case that is empty": changed("{get: {upstream: dead}}", "{get: }"),
    "a service that nobody knows": changed("[http]", "[htpp]"),
    "a grant that nobody knows": changed("upstream: dead", "grants: [files]"),
    "a target like an option": changed("cases:", "canary: dead, target: --x, cases:"),
    "an unknown key in when": added("when: {celan: hold}\n"),
    "an unknown key like no other": added("when: {zzz: hold}\n"),
    "an unknown key in the defaults": shared(DEFAULTS + "frok: {}\n"),
    "a missing key at the top": written("upstream: {git: x}\nfork: {repo: r}\n"),
    "a missing key in a mapping": changed("git: https://github.com/example/demo, ", ""),
    "a missing key in a list": added("build:\n  - {features: [a]}\n"),
    "a version that YAML reads as a number": changed("since: 1.2.0", "since: 1.10"),
    "a version of two numbers": changed("since: 1.2.0", 'since: "1.10"'),
    "a branch that YAML reads as a number": changed("branch: main", "branch: 1.10"),
    "a feature that YAML reads as a number": added(
        "build:\n  - {package: demo, features: [1.10]}\n"
    ),
    "a branch that YAML reads as yes": changed("branch: main", "branch: on"),
    "an empty value": changed("branch: main", "branch:"),
    "an empty mapping": changed("fork: {repo: demo}", "fork:"),
    "text for a list": added("depends: mio\n"),
    "text for a mapping": changed("{repo: demo}", "demo"),
    "text for a mapping, with a secret": changed("{repo: demo}", "https://me:secret@example.com"),
    "a mapping for a list": added("build: {package: demo}\n"),
    "a list for a mapping": added("when: [hold]\n"),
    "a mapping for text": changed("crate: demo", "crate: {name: demo}"),
    "text for a number": changed("serves: [http]", "serves: [http], timeout: 60s"),
    "a number out of range": changed("serves: [http]", "serves: [http], timeout: 0"),
    "yes for a number": changed("serves: [http]", "serves: [http], timeout: yes"),
    "text for yes or no": added('build:\n  - {package: demo, default-features: "no"}\n'),
    "a value nearly among the choices": added("when: {clean: pubish}\n"),
    "a merge driver that nobody knows": added("merge: {driver: mergirraf}\n"),
    "a value that YAML reads as no": added("when: {clean: off}\n"),
    "a key twice": added("crate: other\n"),
    "a key twice in a mapping": changed("branch: main", "branch: main, branch: x"),
    "an alias": written(POLICY.replace("branch: main", "branch: &b main") + "about: *b\n"),
    "an alias of itself": added("build: &a [*a]\n"),
    "a merge key": added("when:\n  <<: {clean: hold}\n"),
    "a tag that makes an object": added("about: !!python/object/apply:os.system [id]\n"),
    "a tag that makes a set": added("when: !!set {clean}\n"),
    "a tag that does not fit": added("about: !!int x\n"),
    "a key that is a list": added("? [a, b]\n: c\n"),
    "bytes that are not UTF-8": written(POLICY.encode() + b"about: caf\xe9\n"),
    "UTF-16": written(POLICY.encode("utf-16")),
    "a control character": added("about: a\x1b[31mb\n"),
    "a tab": added("when:\n\tclean: hold\n"),
    "a colon in a text": added("about: a: b\n"),
    "a list without its end": added("depends: [a\n"),
    "nothing": written(""),
    "only a comment": written("# later\n"),
    "a list at the top": written("- crate: demo\n"),
    "a text at the top": written("demo\n"),
    "two documents": added("---\ncrate: x\n"),
    "a nest without end": added(f"about: {'[' * 5000}\n"),
    "a crate's name with a space": changed("crate: demo", "crate: de mo"),
    "a branch like an option": changed("branch: main", "branch: --mirror"),
    "a branch with a line end": changed("branch: main", 'branch: "main\\n"'),
    "a branch with two dots": changed("branch: main", "branch: a..b"),
    "a fork branch like an option": changed(
        "repo: demo", "repo: demo, branches: {main: -x, release: y}"
    ),
    "a folder above": changed("branch: main", "subdir: a/../.."),
    "a folder of the machine": changed("branch: main", "subdir: /etc"),
    "a folder in .git": changed("branch: main", "subdir: a/.GIT/x"),
    "a repository above": changed("repo: demo", "repo: ../demo"),
    "a repository beside": changed("repo: demo", "repo: me/.."),
    "a stack name in capitals": added("depends: [Mio]\n"),
    "a URL like an option": url("--upload-pack=touch x"),
    "a URL that runs a command": url("ext::sh -c id"),
    "a URL with a password": url("https://me:secret@example.com/x"),
    "a URL with a token": url("https://ghp_secret@example.com/x"),
    "a URL with a password for ssh": url("ssh://git:secret@example.com/x"),
    "a URL whose host is like an option": url("ssh://-oProxyCommand=id/x"),
    "a URL with an escape sequence": url("https://example.com/\x1b[31mx"),
    "a URL that git cannot fetch": url("ftp://me:secret@example.com/x"),
    "no URL": url(""),
    "a bad URL in the defaults": lambda house: (
        house.write("stacks/demo/stack.yaml", "crate: demo\nfork: {repo: demo}\n"),
        house.write("stacks/defaults.yaml", "upstream: {git: ext::id}\n" + DEFAULTS),
    ),
    "no branch for a channel": shared("fork:\n  branches: {main: wasip2}\n"),
    "no branches at all": shared("when: {clean: hold}\n"),
    "a smoke component that is not there": added(SMOKE),
    "another target for what is no canary": there("cases:", "target: wasm32-wasip3, cases:"),
    "a canary with a control": there("cases:", "canary: x, upstream: {fails: y}, cases:"),
    "a canary's case with a control": there("cases:", "canary: x, cases:"),
    "a case that cannot run on upstream": there("cases:", "upstream: {fails: y}, cases:"),
    "a case that hangs in silence": there("upstream: dead", "hangs: true"),
    "a smoke component twice": lambda house: (
        house.write("stacks/demo/stack.yaml", POLICY + SMOKE + SMOKE.partition("\n")[2]),
        house.write("stacks/demo/smoke/a/Cargo.toml", "[package]\n"),
    ),
    "no stack.yaml": lambda house: house.remove("stacks/demo/stack.yaml"),
    "a folder for stack.yaml": lambda house: house.to_folder("stacks/demo/stack.yaml"),
    "defaults.yaml misspelt": lambda house: house.write("stacks/default.yaml", DEFAULTS),
}


def test_what_is_told() -> None:
    assert render(CASES) == expected("policy_files")


@pytest.mark.parametrize(
    "text",
    [
        POLICY,
        POLICY.replace("\n", "\r\n"),
        "\ufeff" + POLICY,
        POLICY + "about: 2026-11-22\n",
        POLICY + "about: 2026-99-99\n",
        POLICY.replace("branch: main", "branch: &b main"),
        POLICY.replace("https://github.com/example/demo", "ssh://git@example.com/demo"),
        POLICY.replace("https://github.com/example/demo", "git@example.com:demo"),
        POLICY.replace("https://github.com/example/demo", "../demo"),
        POLICY.replace("branch: main", 'subdir: ""'),
        POLICY.replace("branch: main", "subdir: crates/a-b_c.d+e"),
    ],
)
def test_what_is_taken(house: House, text: str) -> None:
    house.write("stacks/demo/stack.yaml", text)
    assert house.error() == "nothing: it was taken"


def test_the_defaults_fill_one_mapping_deep_and_no_deeper(house: House) -> None:
    house.write(
        "stacks/defaults.yaml",
        "upstream: {branch: trunk, subdir: crates/x}\n"
        "fork: {branches: {main: ours, release: ours-release}}\n"
        "build: [{package: shared}]\nwhen: {clean: hold}\n",
    )
    house.write(
        "stacks/demo/stack.yaml",
        "crate: demo\nupstream: {git: u, branch: dev}\nbuild: []\n"
        "fork: {repo: demo, branches: {main: a, release: b}}\n",
    )
    (stack,) = load_family(house.root)
    assert stack.policy.upstream.branch == "dev"
    assert stack.policy.upstream.subdir == "crates/x"
    assert stack.policy.fork.branches == {Channel.MAIN: "a", Channel.RELEASE: "b"}
    assert stack.policy.build == ()
    assert stack.policy.when.clean == "hold"


def test_without_defaults_a_stack_says_everything_itself(house: House) -> None:
    (house.root / "stacks/defaults.yaml").unlink()
    house.write(
        "stacks/demo/stack.yaml",
        POLICY.replace("repo: demo", "repo: demo, branches: {main: a, release: b}"),
    )
    assert house.error() == "nothing: it was taken"


def test_a_file_nobody_may_read_is_told(house: House) -> None:
    path = house.root / "stacks/demo/stack.yaml"
    path.unlink()
    path.symlink_to(Path(path.name))  # root may read anything but this
    assert house.error() == (
        "stacks/demo/stack.yaml: cannot read this file: Too many levels of symbolic links\n"
        "hint: ls -l stacks/demo/stack.yaml"
    )
