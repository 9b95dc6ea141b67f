"""What no file of ours may name: the hosts of package registries, a folder of this machine."""

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.source import ROOT, tracked

# In pieces, for this file is looked at too.
WELL_KNOWN = (
    "pypi org", "pythonhosted org", "index crates io", "static crates io", "static rust-lang org",
    "registry npmjs org", "registry yarnpkg com", "deb debian org", "security debian org",
    "ftp debian org", "snapshot debian org", "archive ubuntu com", "proxy golang org",
    "conda anaconda org", "rubygems org",
)  # fmt: skip
# Where this machine's own configuration says what it takes packages from.
ASKED = (
    ("pip", "config", "list"),
    ("npm", "config", "get", "registry"),
    ("apt-get", "indextargets", "--format", "$(SITE)"),
)
# Upstreams live there; a registry that does too is no secret.
OURS = {"github.com", "localhost", "127.0.0.1"}
# Folders too common to be this machine's.
COMMON = {"/", "/tmp", "/home", "/root", "/opt", "/srv", "/usr", "/var", "/mnt"}  # noqa: S108


def _hosts() -> Iterator[str]:
    yield from (".".join(words.split()) for words in WELL_KNOWN)
    told = "\n".join(v for k, v in os.environ.items() if re.search("INDEX|REGISTR|MIRROR", k))
    for command in ASKED:
        if shutil.which(command[0]):
            done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
            told += "\n" + done.stdout
    for home in {Path(os.environ.get("CARGO_HOME", ".")), Path(_home(), ".cargo")}:
        for path in (home / "config.toml", home / "config"):
            told += path.read_text(encoding="utf-8") if path.is_file() else ""
    yield from re.findall(r"https?://(?:[^/@\s]*@)?([A-Za-z0-9.-]+\.[a-z]+)", told)


def _home() -> str:
    # Not HOME: the tests have one of their own.
    return pwd.getpwuid(os.getuid()).pw_dir


def _places() -> set[str]:
    checkout = {str(ROOT), str(ROOT.parent), _home()}
    return {f"{place}/" for place in checkout - COMMON}


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """Return every file that git keeps or would keep."""
    return {
        str(p.relative_to(ROOT)): p.read_text(encoding="utf-8", errors="replace") for p in tracked()
    }


def test_no_file_names_a_registrys_host(texts: dict[str, str]) -> None:
    hosts = {host.lower() for host in _hosts()} - OURS
    assert len(hosts) >= len(WELL_KNOWN)
    named = re.compile("|".join(rf"\b{re.escape(host)}\b" for host in sorted(hosts)), re.IGNORECASE)
    assert [f"{n}: {m[0]}" for n, text in texts.items() for m in named.finditer(text)] == []


def test_no_file_names_a_folder_of_this_machine(texts: dict[str, str]) -> None:
    places = _places()
    assert [f"{name}: {p}" for name, text in texts.items() for p in places if p in text] == []
