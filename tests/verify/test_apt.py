"""apt's sources in both formats, and which of them are Debian's archive."""

from pathlib import Path

from forkbot.verify.apt import Source, archives, parse_deb822, parse_list, read_sources

_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"

_DEB822 = f"""\
# the usual
Types: deb deb-src
# a mirror of before
URIs: http://mirror.example/debian https://two.example/debian/
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: {_KEYS}

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
Components: main
\t
types: deb
uris: mirror+file:///etc/apt/mirrors/debian.list
suites: bookworm
components: main
signed-by:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 =abcd
 -----END PGP PUBLIC KEY BLOCK-----
"""

_LIST = f"""\
deb [arch=amd64 signed-by={_KEYS},/b.gpg] https://one.example/debian bookworm main # ours
  deb http://plain.example/debian stable main non-free
# deb http://off.example/debian bookworm main
deb-src http://plain.example/debian stable main
deb cdrom:[Debian_12]/ bookworm main
deb http://flat.example/x ./
"""


def _source(uri: str, suites: str, components: str = "main", signed_by: str = "") -> Source:
    return Source(
        uris=tuple(uri.split()),
        suites=tuple(suites.split()),
        components=tuple(components.split()),
        signed_by=signed_by,
    )


def test_deb822_sources() -> None:
    key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n =abcd\n -----END PGP PUBLIC KEY BLOCK-----"
    assert parse_deb822(_DEB822) == [
        _source(
            "http://mirror.example/debian https://two.example/debian/",
            "bookworm bookworm-updates",
            "main contrib",
            _KEYS,
        ),
        _source("mirror+file:///etc/apt/mirrors/debian.list", "bookworm", signed_by=key),
    ]


def test_one_line_sources() -> None:
    assert parse_list(_LIST) == [
        _source("https://one.example/debian", "bookworm", signed_by=f"{_KEYS} /b.gpg"),
        _source("http://plain.example/debian", "stable", "main non-free"),
        _source("cdrom:[Debian_12]/", "bookworm"),
        _source("http://flat.example/x", "./", ""),
    ]


def test_both_formats_are_read_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text("deb http://a.example/debian stable main\n")
    (tmp_path / "sources.list.d" / "b.sources").write_text(_DEB822)
    (tmp_path / "sources.list.d" / "c.list.disabled").write_text(_LIST)
    (tmp_path / "sources.list.d" / "d.list").write_bytes(b"\xff\xfe")
    assert [s.uris[0] for s in read_sources(tmp_path)] == [
        "http://a.example/debian",
        "http://mirror.example/debian",
        "mirror+file:///etc/apt/mirrors/debian.list",
    ]
    assert read_sources(tmp_path / "none") == []


def test_debians_archives_are_told_from_security_and_third_parties() -> None:
    sources = [
        _source("https://tool.example/tool", "bookworm"),
        _source("https://docker.example/linux/debian", "bookworm", "stable"),
        _source("http://mirror.example/debian-security", "bookworm-security"),
        _source("http://mirror.example/debian-security", "stable"),
        _source("http://node.example/node", "nodistro"),
        _source("cdrom:[Debian_12]/", "bookworm"),
        _source("https://artifacts.example/debian-remote/", "bookworm"),
        _source("http://mirror.example/debian", "bookworm bookworm-updates", signed_by=_KEYS),
        _source("http://mirror.example/debian", "bookworm", signed_by=_KEYS),
        _source("http://old.example/debian", "bullseye"),
    ]
    assert [(s.uris, s.signed_by) for s in archives(sources, codename="bookworm")] == [
        (("http://mirror.example/debian",), _KEYS),
        (("https://artifacts.example/debian-remote/",), ""),
    ]
