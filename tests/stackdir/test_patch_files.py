"""Patch files at the door: the mail, its trailers, and where its diff may reach."""

import pytest

from forkbot.stackdir.load import load_family
from tests.stackdir.house import DIFF, HEADER, House
from tests.stackdir.told import Break, expected, render

BINARY = """\
diff --git a/x b/x
new file mode 100644
index 0000000000000000000000000000000000000000..e69de29bb2d1d6434b8b29ae775ad8c2e48c5391
GIT binary patch
literal 0
HcmV?d00001

literal 0
HcmV?d00001

"""
SUBMITTED = "Upstream-Status: Submitted [https://github.com/example/demo/pull/1]"


def file(data: str | bytes) -> Break:
    """Return what writes the patch file whole."""
    return lambda house: house.write("stacks/demo/patches/fix.patch", data)


def header(old: str, new: str) -> Break:
    """Return what changes a part of the header."""
    assert old in HEADER
    return file(HEADER.replace(old, new) + DIFF)


def diff(text: str) -> Break:
    """Return what writes another diff."""
    return file(HEADER + text)


def renamed(old: str, new: str) -> Break:
    """Return what renames a file."""
    return diff(f"diff --git a/x b/y\nsimilarity index 100%\nrename from {old}\nrename to {new}\n")


def named(path: str) -> Break:
    """Return what changes a file of this name."""
    return diff(f"diff --git {path} {path}\n--- {path}\n+++ {path}\n@@ -1 +1 @@\n-foo\n+bar\n")


MAILS: dict[str, Break] = {
    "nothing": file(""),
    "no diff": file(HEADER),
    "a diff of another program": file(HEADER + "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-foo\n+bar\n"),
    "only a diff": file(DIFF),
    "no empty line behind the header": file(
        "From: A <a@example.invalid>\nDate: Mon, 2 Nov 2026 12:00:00 +0100\nSubject: x\n" + DIFF
    ),
    "a line that is no header": header("Date:", "yesterday\nDate:"),
    "no author": header("From: A Maintainer <maintainer@example.invalid>\n", ""),
    "an author without an address": header("A Maintainer <maintainer@example.invalid>", "me"),
    "no date": header("Date: Mon, 2 Nov 2026 12:00:00 +0100\n", ""),
    "a date that is none": header("Mon, 2 Nov 2026 12:00:00 +0100", "last Monday"),
    "a time zone that is none": header("+0100", "+9999"),
    "no subject": header("Subject: make it so\n", ""),
    "quoted-printable": header("Subject:", "Content-Transfer-Encoding: quoted-printable\nSubject:"),
    "base64": header("Subject:", "Content-Transfer-Encoding: BASE64\nSubject:"),
    "attachments": header("Subject:", 'Content-Type: multipart/mixed; boundary="x"\nSubject:'),
    "HTML": header("Subject:", "Content-Type: text/html\nSubject:"),
    "another charset": header("Subject:", "Content-Type: text/plain; charset=ISO-8859-1\nSubject:"),
    "a header that is not UTF-8": file(
        (HEADER + DIFF).encode().replace(b"A Maintainer", b"Ren\xe9")
    ),
    "a message that is not UTF-8": file((HEADER + DIFF).encode().replace(b"Because", b"\xe7a")),
    "an encoded word of an unknown charset": header("make it so", "=?x-klingon?q?qapla?="),
    "Windows line ends": file((HEADER + DIFF).replace("\n", "\r\n")),
    "two mails": file(HEADER + DIFF + HEADER + DIFF),
    "a message that begins like a header": header("Because.", "From: me <me@example.invalid>"),
    "a message with a line like a mail": header("Because.", "It came\nFrom afar"),
    "a message that quotes a diff": header(
        "Because.", "So:\n\n  --- a/x\n  +++ b/x\n  @@ -1 +1 @@\n"
    ),
}
TRAILERS: dict[str, Break] = {
    "no trailers": header(
        "\n\nPatch-Name: fix\nUpstream-Status: Pending\nDrop-When: green-without", ""
    ),
    "no name": header("Patch-Name: fix\n", ""),
    "another name": header("Patch-Name: fix", "Patch-Name: fixes"),
    "a name twice": header("Patch-Name: fix", "Patch-Name: fix\nPatch-Name: fix"),
    "no status": header("Upstream-Status: Pending\n", ""),
    "an unknown status": header("Pending", "Waiting"),
    "a status nearly known": header("Pending", "submited"),
    "Submitted without its URL": header("Pending", "Submitted"),
    "Backport without its commit": header("Pending", "Backport"),
    "Inappropriate without its reason": header("Pending", "Inappropriate []"),
    "no end": header("Drop-When: green-without\n", ""),
    "an unknown end": header("green-without", "some day"),
    "trailers above the last paragraph": header(
        "green-without", "green-without\n\nSigned-off-by: A Maintainer <m@example.invalid>"
    ),
}
DIFFS: dict[str, Break] = {
    "a path above": named("a/../../etc/passwd"),
    "a path above, in the middle": named("a/src/../../x"),
    "an absolute path": named("a//etc/passwd"),
    "an absolute path without a/": named("/etc/passwd"),
    "a path into .git": named("a/.git/hooks/post-checkout"),
    "a path into .GIT": named("a/sub/.GIT/config"),
    "a path into git~1": named("a/GIT~1/config"),
    "a path above, quoted": named('"a/\\056\\056/x"'),
    "a path into .git, quoted": named('"a/.gi\\164/x"'),
    "a rename to above": renamed("x", "../y"),
    "a rename to .git": renamed("x", ".git/y"),
    "a rename from an absolute path": renamed("/etc/passwd", "y"),
    "a copy to above": diff(
        "diff --git a/x b/y\nsimilarity index 100%\ncopy from x\ncopy to ../y\n"
    ),
    "a new mode above": diff("diff --git a/../x b/../x\nold mode 100644\nnew mode 100755\n"),
    "a new empty file above": diff(
        "diff --git a/../x b/../x\nnew file mode 100644\nindex 0000000..e69de29\n"
    ),
    "a binary file above": diff(
        "diff --git a/../x b/../x\nnew file mode 100644\nindex 0000000..e69de29\n"
        "GIT binary patch\nliteral 0\nHcmV?d00001\n"
    ),
    "only the second name above": diff(DIFF.replace("+++ b/src/lib.rs", "+++ b/../lib.rs")),
    "the second file above": diff(DIFF + DIFF.replace("src/", "../")),
    "a part without its `diff --git`": diff(
        DIFF + "--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-foo\n+bar\n"
    ),
    "a part without its `diff --git`, behind a signature": diff(
        DIFF + "-- \n2.47\n\n--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-foo\n+bar\n"
    ),
    "a part without its `diff --git`, behind binary data": diff(
        "diff --git a/x b/x\nnew file mode 100644\nindex 0000000..e69de29\n"
        "GIT binary patch\nliteral 0\nHcmV?d00001\n\n--- a/../x\n+++ b/../x\n"
    ),
    "two names in one line": diff("diff --git a/x b/y\nold mode 100644\nnew mode 100755\n"),
    "no a/ and b/": diff(DIFF.replace("a/src", "src").replace("b/src", "src")),
    "a hunk cut short": diff(DIFF.replace("@@ -1 +1 @@", "@@ -1,3 +1,3 @@")),
    "a hunk cut short, another behind it": diff(
        DIFF.replace("@@ -1 +1 @@", "@@ -1,3 +1,3 @@") + DIFF
    ),
    "a hunk too long": diff(DIFF.replace("@@ -1 +1 @@", "@@ -1,0 +1 @@")),
    "a line in a hunk without its mark": diff(DIFF.replace("-foo", "foo")),
    "a line more than the hunk says": diff(DIFF + "+more\n"),
    "a second hunk whose header is none": diff(DIFF + "@@ -x +9 @@\n-foo\n+bar\n"),
    "a line between two hunks": diff(DIFF + "more\n@@ -3 +3 @@\n-foo\n+bar\n"),
    "a hunk header that is none": diff(DIFF.replace("@@ -1 +1 @@", "@@ -x +1 @@")),
    "a header line that git does not know": diff(DIFF.replace("index", "indexes")),
    "a binary file without its content": diff(
        "diff --git a/x b/x\nindex 0000000..e69de29 100644\nBinary files a/x and b/x differ\n"
    ),
}
CASES = MAILS | TRAILERS | DIFFS


def test_what_is_told() -> None:
    assert render(CASES) == expected("patch_files")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Pending", "Pending [waiting for a friend]"),
        ("Upstream-Status: Pending", SUBMITTED),
        ("Upstream-Status: Pending", "Upstream-Status: Inappropriate [it is\n our own matter]"),
        ("green-without", "merged https://github.com/example/demo/pull/1"),
        ("green-without", "released >=1.54"),
        ("green-without", "rustc >= 1.99.1"),
        ("Drop-When", "Signed-off-by: A <a@example.invalid>\nDrop-When"),
        ("Subject: make it so", "Subject: [PATCH v2 1/3] make\n it so"),
        ("A Maintainer <", '"Maintainer, A \\"Nick\\" N." <'),
        ("A Maintainer <", "=?UTF-8?q?Ren=C3=A9e?= <"),
        ("Subject:", "MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nSubject:"),
        ("Because.", "> --- a/x\n> +++ b/x"),
        ("Because.", "a --- b\n\n----\n"),
    ],
)
def test_headers_that_are_taken(house: House, old: str, new: str) -> None:
    header(old, new)(house)
    assert house.error() == "nothing: it was taken"


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        (DIFF, [b"src/lib.rs"]),
        (DIFF + "-- \n2.47.3\n\n", [b"src/lib.rs"]),
        (DIFF.replace("-foo", "-- "), [b"src/lib.rs"]),
        (DIFF.replace("-foo", "--- a/x").replace("+bar", "+++ b/x"), [b"src/lib.rs"]),
        (DIFF + "\\ No newline at end of file\n", [b"src/lib.rs"]),
        (DIFF.replace("src/lib.rs", "a b/c"), [b"a b/c"]),
        (DIFF.replace("src/lib.rs", "..a/.gitignore"), [b"..a/.gitignore"]),
        ("diff --git a/x b/x b/x b/x\nold mode 100644\nnew mode 100755\n", [b"x b/x"]),
        (
            'diff --git "a/\\303\\251" "b/\\303\\251"\nold mode 100644\nnew mode 100755\n',
            ["é".encode()],
        ),
        (
            "diff --git a/x b/y z\nsimilarity index 100%\nrename from x\nrename to y z\n-- \n2\n",
            [b"x", b"y z"],
        ),
        ("diff --git a/x b/x\nnew file mode 100644\nindex 0000000..e69de29\n", [b"x"]),
        (BINARY, [b"x"]),
    ],
)
def test_every_path_of_a_diff_is_known(house: House, text: str, paths: list[bytes]) -> None:
    diff(text)(house)
    (stack,) = load_family(house.root)
    assert list(stack.patches[0].paths) == paths
