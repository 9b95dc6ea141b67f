"""HTML that cannot be broken out of: every text is escaped unless it is markup made here."""

import html

from forkbot.text import visible


class Html(str):
    """Markup; only ``tag`` and ``joined`` make it, and what is no ``Html`` gets escaped there."""

    __slots__ = ()


def tag(name: str, *children: str, **attributes: str) -> Html:
    """Return an element; ``class_`` and ``data_label`` are written ``class`` and ``data-label``."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_escaped(value)}"'
        for key, value in attributes.items()
    )
    return Html(f"<{name}{written}>{joined(*children)}</{name}>")


def joined(*children: str) -> Html:
    """Return texts and markup one after the other."""
    return Html("".join(c if isinstance(c, Html) else _escaped(c) for c in children))


def _escaped(text: str) -> str:
    return html.escape(visible(text), quote=True)
