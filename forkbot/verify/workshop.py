"""Where a family is built, and how cargo is started there: shown little, and given so much.

Upstream's build scripts and macros run in these commands, so each has its bounds.
"""

import dataclasses
import os
from pathlib import Path

from forkbot import process
from forkbot.cargo import Cargo
from forkbot.process.limits import Limits
from forkbot.process.seclusion import bounded, secluded
from forkbot.verify.family import Family
from forkbot.verify.sight import view_of_build

_MIB, _GIB = 1 << 20, 1 << 30
_MACHINE = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
_CORES = os.cpu_count() or 1  # cargo runs so many compilers at one time
# Some times what the five stacks take from nothing (bench/verify.py), and not the whole machine.
BUILDING = Limits(
    memory=min(max(8, _CORES) * _GIB, _MACHINE // 4 * 3),
    processes=max(4096, 64 * _CORES),
    disk=12 * _GIB,  # from at most half of it: room.py
    output=16 * _MIB,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Everything a build needs besides its sources."""

    cargo: Cargo  # with the network: resolves and fetches
    target: str
    target_dir: Path
    host: str
    secluded: bool  # whether this system can keep upstream's code to what it is shown
    limits: Limits = BUILDING
    seconds: float = 40 * 60.0  # for one build
    sccache: Path | None = None  # lends what it compiled before, into another folder too

    def command(self, family: Family, *args: str | Path) -> tuple[list[str | Path], process.Env]:
        """Return how cargo runs upstream's code, and its environment.

        Without seclusion there is no network still, where the system can deny it.
        """
        cargo = self.offline()
        argv = [cargo.program, *args]
        self.target_dir.mkdir(parents=True, exist_ok=True)
        if not self.secluded:
            denial = process.network_denial(cargo.env.get("PATH", ""))
            return [*denial, *bounded(argv, self.limits)], cargo.env
        root = self.target_dir.parent / "view"
        root.mkdir(parents=True, exist_ok=True)
        view = view_of_build(
            cargo, sources=family.sources, workspace=family.workspace, target_dir=self.target_dir,
            home=self.cargo.env.get("HOME", ""), root=root,
        )  # fmt: skip
        env = {**cargo.env, "HOME": "/tmp", "TMPDIR": "/tmp"}  # noqa: S108
        if self.sccache is not None:
            store = self.target_dir.parent / "sccache"
            store.mkdir(exist_ok=True)
            view = dataclasses.replace(
                view, read=(*view.read, self.sccache), write=(*view.write, store)
            )
            env |= _through(self.sccache, store)
        return secluded(argv, view, self.limits), env

    def offline(self) -> Cargo:
        """Return cargo as upstream's code may see it: no network, no secrets, a home of its own."""
        home = self.target_dir.parent / "home"
        home.mkdir(parents=True, exist_ok=True)
        hidden = {n for n in self.cargo.env if n.lower().endswith("_proxy")}
        env = {n: v for n, v in self.cargo.env.items() if n not in hidden}
        if "HOME" in env:  # where cargo and rustup looked for theirs while it was the person's
            env.setdefault("CARGO_HOME", str(Path(env["HOME"]) / ".cargo"))
            env.setdefault("RUSTUP_HOME", str(Path(env["HOME"]) / ".rustup"))
        env.setdefault("CARGO_HOME", str(home / ".cargo"))
        return Cargo(program=self.cargo.program, env={**env, "HOME": str(home)})


def _through(sccache: Path, store: Path) -> dict[str, str]:
    """Return what makes cargo compile through sccache, in a store that is this folder's alone.

    Not in its owner's: upstream's code can write there what it likes. Its server starts, and ends,
    with each build, and listens where nobody else is: on a socket in the view's own /tmp.
    """
    return {
        "RUSTC_WRAPPER": str(sccache),
        "SCCACHE_DIR": str(store),
        "SCCACHE_CACHE_SIZE": "2G",
        "SCCACHE_SERVER_UDS": "/tmp/sccache.sock",  # noqa: S108
        "SCCACHE_IDLE_TIMEOUT": "0",
    }
