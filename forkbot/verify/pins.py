"""Which versions cargo took from crates.io, one line each, and how to have it take them again.

A Cargo.lock of nothing but these lines is enough: cargo keeps to them as far as they fit, takes
even what was yanked since, and completes the rest.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from forkbot.cargo import Lock, Locked
from forkbot.words import PIN, Pin

# not an address that anybody asks: how cargo writes "from crates.io", whatever mirror it came by
_FROM_CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"


def pins_of(lock: Lock, roots: Iterable[str]) -> tuple[Pin, ...]:
    """Return what the packages ``roots`` of a lock need from crates.io."""
    by_name: dict[str, list[Locked]] = {}
    for package in lock.packages:
        by_name.setdefault(package.name, []).append(package)
    queue = [p for root in roots for p in by_name.get(root, [])]
    seen = {(p.name, p.version) for p in queue}
    for package in queue:
        for wanted in package.dependencies:  # `name`, or `name version`, or that and its source
            name, _, rest = wanted.partition(" ")
            version = rest.partition(" ")[0]
            for found in by_name.get(name, []):
                key = (found.name, found.version)
                if version in ("", found.version) and key not in seen:
                    seen.add(key)
                    queue.append(found)
    pins = (f"{p.name} {p.version} {p.checksum}" for p in queue if p.source == _FROM_CRATES_IO)
    return tuple(Pin(pin) for pin in sorted(pins) if PIN.fits(pin))


def write_pins(path: Path, pins: Iterable[Pin]) -> None:
    """Write a Cargo.lock that holds cargo to ``pins``."""
    packages = []
    for pin in sorted(set(pins)):
        name, version, checksum = pin.split(" ")
        packages.append(
            f'[[package]]\nname = "{name}"\nversion = "{version}"\n'
            f'source = "{_FROM_CRATES_IO}"\nchecksum = "{checksum}"\n'
        )
    path.write_text("version = 4\n\n" + "\n".join(packages))


def named(pins: Iterable[Pin]) -> dict[str, tuple[str, ...]]:
    """Return the versions of each crate."""
    found: dict[str, tuple[str, ...]] = {}
    for pin in sorted(pins, key=_order):
        name, version, _ = pin.split(" ")
        found[name] = (*found.get(name, ()), version)
    return found


def _order(pin: Pin) -> tuple[list[int], str]:
    return [int(n) for n in re.findall(r"\d+", pin.split(" ")[1])[:3]], pin


def changed(was: Iterable[Pin], now: Iterable[Pin]) -> tuple[str, ...]:
    """Return the crates that are not the same any more; what is new, or gone, is none of them."""
    before, after = named(was), named(now)
    return tuple(n for n in sorted(before) if n in after and before[n] != after[n])
