"""The stories: what upstream did while a stack of ours sat on an older commit of it.

Each is told with the same small crate, so that what differs between two reports is what happened.
"""

import dataclasses
from collections.abc import Callable, Mapping

from tests.e2e.world import Changes
from tests.scenario import Upstream

Story = Callable[[Upstream], None]

LOOKUP = """\
//! Looks hosts up.

use std::io;

/// Returns the addresses of a host.
pub fn lookup(host: &str) -> io::Result<Vec<Addr>> {
    let host = host.to_owned();
    let found = spawn_blocking(move || resolve(&host)).join()?;
    Ok(found)
}

/// Asks the system.
fn resolve(host: &str) -> io::Result<Vec<Addr>> {
    sys::getaddrinfo(host)
}
"""
POLL = """\
//! Waits for readiness.

const CAPACITY: usize = 1024;

pub struct Poll {
    events: Vec<Event>,
}

impl Poll {
    pub fn new() -> io::Result<Poll> {
        let events = Vec::with_capacity(CAPACITY);
        Ok(Poll { events })
    }

    pub fn poll(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.events.clear();
        sys::poll(&mut self.events, timeout)
    }
}
"""
SOCKET = """\
//! Makes sockets.

pub fn new_socket(domain: c_int, kind: c_int) -> io::Result<RawFd> {
    let kind = kind | SOCK_NONBLOCK | SOCK_CLOEXEC;
    let fd = syscall!(socket(domain, kind, 0))?;
    Ok(fd)
}

pub fn close(fd: RawFd) {
    let _ = syscall!(close(fd));
}
"""
MANIFEST = '[package]\nname = "demo"\nversion = "1.0.0"\nedition = "2021"\n'
BEGINNING: Changes = {
    "Cargo.toml": MANIFEST,
    "src/lookup.rs": LOOKUP,
    "src/poll.rs": POLL,
    "src/socket.rs": SOCKET,
    "logo.png": b"\x89PNG\r\n\x00\x00first\x00",
    "build.sh": "#!/bin/sh\ncargo build\n",
}

# what our patches make of it
INLINE = LOOKUP.replace(
    "    let found = spawn_blocking(move || resolve(&host)).join()?;\n",
    "    let found = resolve(&host)?; // WASI has no threads\n",
)
SMALL = POLL.replace("CAPACITY: usize = 1024", "CAPACITY: usize = 64")
NO_CLOEXEC = SOCKET.replace("kind | SOCK_NONBLOCK | SOCK_CLOEXEC", "kind | SOCK_NONBLOCK")
ERRNO = "//! What went wrong.\n\npub fn errno() -> i32 {\n    unsafe { *sys::errno() }\n}\n"
CONNECT = """\

pub fn connect(fd: RawFd, addr: &Addr) -> io::Result<()> {
    syscall!(connect(fd, addr.as_ptr(), addr.len()))?;
    Ok(())
}
"""
SHUTDOWN = """\

pub fn shutdown(fd: RawFd) {
    let _ = syscall!(shutdown(fd, SHUT_RDWR));
}
"""
QUEUE = """\

/// Looks a host up here and now, both families one after the other.
fn lookup_inline(host: &str) -> io::Result<Vec<Addr>> {
    let mut found = Vec::with_capacity(USUAL_COUNT);
    for family in [AF_INET6, AF_INET] {
        let hints = Hints::stream(family);
        found.extend(sys::getaddrinfo_with(host, &hints)?);
    }
    found.dedup_by_key(|addr| addr.ip());
    Ok(found)
}
"""
WHOLE = INLINE.replace("resolve(&host)?; // WASI has no threads", "lookup_inline(&host)?;") + QUEUE

# what each of them is for, as its header says
WHY = {
    "inline-lookup": "WASI has no threads: a lookup on another one never begins, and panics.",
    "whole-lookup": "WASI has no threads, and its getaddrinfo answers for one family at a time.",
    "small-poll": "A component's memory is dear: 1024 events are 24 kB that nobody uses.",
    "no-cloexec": "WASI has no exec, and so no SOCK_CLOEXEC.",
    "errno": "wasi-libc has errno in another place.",
    "inline-and-flags": "WASI has neither threads nor exec.",
    "say-why": "So that the next one to read it does not put the thread back.",
    "no-poll": "There is no poll in WASI preview 1.",
    "timeout": "The host wakes us; a timeout of our own would wake us twice.",
    "our-logo": "It is a fork.",
    "runnable": "Our CI starts it.",
}
inline: dict[str, Changes] = {"inline-lookup": {"src/lookup.rs": INLINE}}
small: dict[str, Changes] = {"small-poll": {"src/poll.rs": SMALL}}
cloexec: dict[str, Changes] = {"no-cloexec": {"src/socket.rs": NO_CLOEXEC}}
port: dict[str, Changes] = {
    **inline,
    **small,
    **cloexec,
    "errno": {"src/errno.rs": ERRNO},
}

# what upstream makes of it
REWORKED = LOOKUP.replace(
    "    let found = spawn_blocking(move || resolve(&host)).join()?;\n",
    "    let found = pool().run(move || resolve(&host)).wait()?;\n",
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One story: our patches on upstream's beginning, what upstream did, and how it must end."""

    patches: Mapping[str, Changes]
    upstream: Story
    code: int = 0
    more: Changes = dataclasses.field(default_factory=dict)  # of upstream's beginning


def quiet_commits(upstream: Upstream, count: int) -> None:
    """Let upstream do things that are no concern of ours."""
    for n in range(count):
        upstream.commit(f"docs: page {n + 1}", {f"docs/page-{n + 1}.md": f"page {n + 1}\n"})


def squashed(after: int) -> Story:
    """Return a story in which upstream squashes the port into one commit, and goes on."""

    def story(upstream: Upstream) -> None:
        quiet_commits(upstream, 2)
        everything = {path: text for change in port.values() for path, text in change.items()}
        upstream.commit("wasi: port (#4711)", everything)
        quiet_commits(upstream, after)
        if after:
            upstream.commit(
                "lookup: cache (#4800)",
                {"src/lookup.rs": INLINE.replace("let host = host.to_owned();", "cache::warm();")},
            )

    return story


def reworked(upstream: Upstream) -> None:
    """Upstream delivers the same by another change: other names, another place, a switch."""
    quiet_commits(upstream, 1)
    theirs = QUEUE.replace("lookup_inline", "lookup_without_threads").replace(
        "/// Looks a host up here and now, both families one after the other.",
        '#[cfg(target_family = "wasm")]',
    )
    upstream.commit(
        "lookup: work where there are no threads (#812)",
        {
            "src/lookup.rs": LOOKUP.replace(
                "    let found = spawn_blocking(move || resolve(&host)).join()?;\n",
                "    let found = if cfg!(threads) {\n"
                "        spawn_blocking(move || resolve(&host)).join()?\n"
                "    } else {\n        lookup_without_threads(&host)?\n    };\n",
            )
            + theirs
        },
    )


def partly_taken(upstream: Upstream) -> None:
    """Upstream takes one hunk of two, and edits the other one's lines."""
    upstream.commit("socket: no cloexec (#900)", {"src/socket.rs": NO_CLOEXEC})
    upstream.commit("lookup: use the pool (#901)", {"src/lookup.rs": REWORKED})


def picked_elsewhere(upstream: Upstream) -> None:
    """Upstream takes the patch onto a release branch, and that branch never reaches main."""
    base = upstream.tip
    assert base is not None
    upstream.commit("poll: smaller [backport]", {"src/poll.rs": SMALL}, branch="v1.x")
    upstream.go_to(base)
    upstream.commit("socket: close twice", {"src/socket.rs": SOCKET + SHUTDOWN})


def edit(subject: str, path: str, text: str) -> Story:
    """Return a story in which upstream changes one file."""

    def story(upstream: Upstream) -> None:
        quiet_commits(upstream, 1)
        upstream.commit(subject, {path: text})
        quiet_commits(upstream, 1)

    return story


def renamed_and_edited(upstream: Upstream) -> None:
    """Upstream moves the file and edits our lines on the way."""
    upstream.commit("lookup: use the pool (#812)", {"src/lookup.rs": REWORKED})
    upstream.commit("net: a folder", {"src/lookup.rs": None, "src/net/dns.rs": REWORKED})


def deleted(upstream: Upstream) -> None:
    """Upstream removes the file we edit."""
    quiet_commits(upstream, 1)
    upstream.commit("lookup: gone, use the resolver crate (#950)", {"src/lookup.rs": None})


def into_a_folder(upstream: Upstream) -> None:
    """Upstream makes a folder of the file, and moves most of it."""
    text = POLL.replace("CAPACITY: usize = 1024", "CAPACITY: usize = 4096")
    upstream.commit(
        "poll: a module of its own (#77)",
        {"src/poll.rs": None, "src/poll/mod.rs": text, "src/poll/event.rs": "pub struct Event;\n"},
    )


def both_added(upstream: Upstream) -> None:
    """Upstream adds a file of the same name."""
    upstream.commit("errno: new (#31)", {"src/errno.rs": "pub fn last() -> i32 {\n    0\n}\n"})


def mode_changed(upstream: Upstream) -> None:
    """Upstream makes a link of the file whose mode we change."""
    upstream.commit("build: one script for all", {"build.sh": ("120000", b"tools/build.sh")})


def new_logo(upstream: Upstream) -> None:
    """Upstream changes the same binary file."""
    upstream.commit("a new logo (#5)", {"logo.png": b"\x89PNG\r\n\x00\x00third\x00"})


def whitespace(upstream: Upstream) -> None:
    """Upstream runs a formatter over the lines that we edit."""
    upstream.commit("fmt: tabs (#60)", {"src/poll.rs": POLL.replace("    ", "\t")})


def breaker_reverted(upstream: Upstream) -> None:
    """Upstream breaks the patch, and takes that back."""
    upstream.commit("lookup: use the pool (#812)", {"src/lookup.rs": REWORKED})
    upstream.commit('Revert "lookup: use the pool" (#813)', {"src/lookup.rs": LOOKUP})
    quiet_commits(upstream, 1)


def came_and_went(upstream: Upstream) -> None:
    """Upstream breaks the patch, takes that back, and breaks it again."""
    breaker_reverted(upstream)
    upstream.commit("lookup: use the pool, again (#820)", {"src/lookup.rs": REWORKED})


def two_breakers(upstream: Upstream) -> None:
    """Upstream breaks one patch in two files, at two times."""
    upstream.commit(
        "socket: flags (#70)",
        {
            "src/socket.rs": SOCKET.replace(
                "kind | SOCK_NONBLOCK | SOCK_CLOEXEC", "kind | flags::DEFAULT"
            )
        },
    )
    quiet_commits(upstream, 1)
    upstream.commit("lookup: use the pool (#812)", {"src/lookup.rs": REWORKED})


def emptied(upstream: Upstream) -> None:
    """Upstream comes to have what the patch does, by several changes."""
    upstream.commit(
        "poll: a smaller capacity, and a note",
        {"src/poll.rs": SMALL.replace("//! Waits", "//! Carefully waits")},
    )
    upstream.commit("poll: never mind the note", {"src/poll.rs": SMALL})


def feature_swallowed(upstream: Upstream) -> None:
    """Upstream adds a method inside what the patch gates out: the merge is clean."""
    upstream.commit(
        "poll: a way to wake it (#88)",
        {
            "src/poll.rs": POLL.replace(
                "        sys::poll(&mut self.events, timeout)\n    }\n",
                "        sys::poll(&mut self.events, timeout)\n    }\n\n"
                "    pub fn wake(&self) -> io::Result<()> {\n        sys::wake()\n    }\n",
            )
        },
    )


def criss_cross(upstream: Upstream) -> None:
    """Two lines upstream merge each other, crosswise, then become one; one breaks us."""
    base = upstream.tip
    assert base is not None
    left = upstream.commit("lookup: use the pool (#812)", {"src/lookup.rs": REWORKED})
    upstream.go_to(base)
    right = upstream.commit("socket: shutdown", {"src/socket.rs": SOCKET + SHUTDOWN})
    both: Changes = {"src/lookup.rs": REWORKED, "src/socket.rs": SOCKET + SHUTDOWN}
    upstream.commit("Merge left into right", both, merging=(left,))
    crossed = upstream.tip
    assert crossed is not None
    upstream.go_to(left)
    upstream.commit("Merge right into left", both, merging=(right,))
    quiet_commits(upstream, 1)
    upstream.commit("Merge both", both, merging=(crossed,))


def octopus(upstream: Upstream) -> None:
    """Three branches are merged at once; the second one breaks us."""
    base = upstream.tip
    assert base is not None
    upstream.commit("docs: begin", {"docs/a.md": "a\n"})
    first = upstream.tip
    assert first is not None
    upstream.go_to(base)
    shutdown = upstream.commit("socket: shutdown", {"src/socket.rs": SOCKET + SHUTDOWN})
    upstream.go_to(base)
    pool = upstream.commit("lookup: use the pool (#812)", {"src/lookup.rs": REWORKED})
    upstream.go_to(first)
    upstream.commit(
        "Merge branches 'shutdown' and 'pool'",
        {"src/socket.rs": SOCKET + SHUTDOWN, "src/lookup.rs": REWORKED},
        merging=(shutdown, pool),
    )


GATED = POLL.replace("impl Poll {", '#[cfg(not(target_os = "wasi"))]\nimpl Poll {')
BOTH_FILES: dict[str, Changes] = {
    "inline-and-flags": {"src/lookup.rs": INLINE, "src/socket.rs": NO_CLOEXEC}
}
EARLIER: dict[str, Changes] = {
    # the second stands on the first one's lines: what stops the first is no fault of the second
    "inline-lookup": {"src/lookup.rs": INLINE},
    "say-why": {"src/lookup.rs": INLINE.replace("has no threads", "has no threads, see #3")},
    "no-cloexec": {"src/socket.rs": NO_CLOEXEC},
}

SCENARIOS: Mapping[str, Scenario] = {
    "squash-merge": Scenario(patches=port, upstream=squashed(0)),
    "squash-merge-long-ago": Scenario(patches=port, upstream=squashed(36)),
    "reworked-upstream": Scenario(
        patches={"whole-lookup": {"src/lookup.rs": WHOLE}}, upstream=reworked, code=3
    ),
    "partial-take": Scenario(patches=BOTH_FILES, upstream=partly_taken, code=3),
    "cherry-pick-elsewhere": Scenario(patches=small, upstream=picked_elsewhere),
    "both-edited": Scenario(
        patches=port, upstream=edit("lookup: use the pool (#812)", "src/lookup.rs", REWORKED),
        code=3,
    ),
    "context-moved": Scenario(
        patches=small,
        upstream=edit(
            "poll: waits long (#12)", "src/poll.rs",
            POLL.replace("pub struct Poll {", "#[derive(Debug)]\npub struct Poll {").replace(
                "//! Waits for readiness.\n\n", "//! Waits for readiness.\n\nuse crate::Event;\n"
            ),
        ),
        code=3,
    ),
    "rename-and-edit": Scenario(patches=inline, upstream=renamed_and_edited, code=3),
    "modify-delete": Scenario(patches=inline, upstream=deleted, code=3),
    "file-to-folder": Scenario(patches=small, upstream=into_a_folder, code=3),
    "both-added": Scenario(
        patches={"errno": {"src/errno.rs": ERRNO}}, upstream=both_added, code=3
    ),
    "mode-change": Scenario(
        patches={"runnable": {"build.sh": ("100755", b"#!/bin/sh\ncargo build --target wasm\n")}},
        upstream=mode_changed, code=3,
    ),
    "binary": Scenario(
        patches={"our-logo": {"logo.png": b"\x89PNG\r\n\x00\x00second\x00"}}, upstream=new_logo,
        code=3,
    ),
    "whitespace-only": Scenario(
        patches={"timeout": {"src/poll.rs": POLL.replace("sys::poll(&mut self.events, timeout)",
                                                         "sys::poll(&mut self.events, None)")}},
        upstream=whitespace, code=3,
    ),
    "breaker-reverted": Scenario(patches=inline, upstream=breaker_reverted),
    "breaker-came-and-went": Scenario(patches=inline, upstream=came_and_went, code=3),
    "two-breakers": Scenario(patches=BOTH_FILES, upstream=two_breakers, code=3),
    "earlier-patch": Scenario(
        patches=EARLIER, upstream=edit("lookup: use the pool (#812)", "src/lookup.rs", REWORKED),
        code=3,
    ),
    "patch-emptied": Scenario(patches=small, upstream=emptied),
    "feature-swallowed": Scenario(
        patches={"no-poll": {"src/poll.rs": GATED}}, upstream=feature_swallowed, code=3
    ),
    "criss-cross": Scenario(patches=inline, upstream=criss_cross, code=3),
    "octopus": Scenario(patches=inline, upstream=octopus, code=3),
}  # fmt: skip
