"""What forkbot serves on loopback to a smoke component, for the length of one run.

What is fetched holds a word that nobody can guess, new for each run: only a component that really
asked can print it.
"""

import contextlib
import dataclasses
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping

from forkbot.model.smoke import Service
from forkbot.verify.services.echo import refuse, tcp_echo, udp_echo
from forkbot.verify.services.http1 import serve_http, serve_http_v4
from forkbot.verify.services.proxy import serve_proxy
from forkbot.verify.services.tls import serve_https

Env = Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What a component is told of what is served to it, and the word it finds there."""

    word: str
    env: Env


# Each gives, while it lasts, the variables by which a component finds it.
SERVICES: Mapping[Service, Callable[[str], contextlib.AbstractContextManager[Env]]] = {
    "http": serve_http,
    "http-v4": serve_http_v4,
    "https": serve_https,
    "tcp-echo": tcp_echo,
    "udp-echo": udp_echo,
    "refused": refuse,
    "proxy": serve_proxy,
}


@contextlib.contextmanager
def serve(names: Collection[Service]) -> Iterator[Served]:
    """Serve what ``names`` says on free loopback ports for the length of the block."""
    word, env = secrets.token_hex(8), dict[str, str]()
    with contextlib.ExitStack() as running:
        for name in names:
            env |= running.enter_context(SERVICES[name](word))
        yield Served(word=word, env=env)
