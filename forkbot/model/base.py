"""How forkbot's values are made: frozen, keyword-only, spelt with dashes when written down."""

import msgspec


class Fact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """An immutable fact; an unknown key in its written form is an error, never ignored."""
