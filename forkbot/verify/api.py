"""A crate's public API, out of rustdoc's JSON, in a form in which two of them can be compared.

What numbers its items have, where they stand in which file and what is written of them is no part
of it; nor are attributes that rustdoc has no word for, as ``cfg`` and lints.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from forkbot.errors import MachineError


class _Item(msgspec.Struct, frozen=True):
    """One entry of the index; ``rest`` is what the API is made of."""

    crate_id: int
    name: str | None
    inner: Mapping[str, object]
    visibility: object = None
    deprecation: object = None
    attrs: Sequence[object] = ()


class _Path(msgspec.Struct, frozen=True):
    path: tuple[str, ...]


class _Document(msgspec.Struct, frozen=True):
    format_version: int
    index: Mapping[str, _Item]
    paths: Mapping[str, _Path]


class Api(msgspec.Struct, frozen=True, kw_only=True):
    """Each item of a public API as one line, and how often it is there."""

    items: Mapping[tuple[str, str], int]  # (what people call it, all that it is) → how often

    def __len__(self) -> int:
        """Return how many items there are."""
        return sum(self.items.values())

    def differences(self, other: "Api") -> tuple[str, ...]:
        """Return what ``other`` has more, less or other than this, one line each."""
        gone = {name for name, _ in Counter(self.items) - Counter(other.items)}
        come = {name for name, _ in Counter(other.items) - Counter(self.items)}
        told = [
            *((name, "is gone") for name in gone - come),
            *((name, "is new") for name in come - gone),
            *((name, "is another") for name in come & gone),
        ]
        return tuple(f"{name} {what}" for name, what in sorted(told))


def read_api(raw: bytes) -> Api:
    """Return the API in what rustdoc wrote. Raises ``MachineError`` where it is not as known."""
    try:
        document = msgspec.json.decode(raw, type=_Document)
    except msgspec.DecodeError as e:
        raise MachineError(f"rustdoc's JSON is not as forkbot knows it: {e}") from e
    return Api(items=Counter(_lines(document)))


def _lines(document: _Document) -> Iterator[tuple[str, str]]:
    owners: dict[str, list[str]] = defaultdict(list)
    for number, item in document.index.items():
        for child in _children(item.inner):
            owners[str(child)].append(number)
    for number, item in document.index.items():
        if item.crate_id == 0:
            kind = next(iter(item.inner), "")
            rest = (item.visibility, item.deprecation, _known(item.attrs), item.inner)
            shape = msgspec.json.encode(_bare(rest, document.paths), order="deterministic")
            yield f"{_called(number, document, owners)} ({kind})", shape.decode()


def _called(number: str, document: _Document, owners: Mapping[str, Sequence[str]]) -> str:
    """Return what people call an item: its path, or its name in what it belongs to."""
    if number in document.paths:
        return "::".join(document.paths[number].path)
    item = document.index[number]
    if "impl" in item.inner:
        return _impl(item.inner["impl"])
    inside = sorted({_owner(owner, document) for owner in owners.get(number, ())})
    return f"{' and '.join(inside) or '?'}::{item.name or '?'}"


def _owner(number: str, document: _Document) -> str:
    if number in document.paths:
        return "::".join(document.paths[number].path)
    item = document.index[number]
    return _impl(item.inner["impl"]) if "impl" in item.inner else item.name or "?"


def _impl(impl: object) -> str:
    """Return ``impl Trait for Type``, as far as that is said in few words."""
    if not isinstance(impl, dict):
        return "impl"
    trait = impl.get("trait")
    of = f"{trait['path']} for " if isinstance(trait, dict) else ""
    return f"impl {of}{_type(impl.get('for'))}"


def _type(kind: object) -> str:
    if isinstance(kind, dict) and len(kind) == 1:
        how, what = next((str(how), what) for how, what in kind.items())
        if isinstance(what, str):
            return what
        if isinstance(what, dict) and "path" in what:
            return str(what["path"])
        if isinstance(what, dict) and "type" in what:
            return f"&{_type(what['type'])}" if how == "borrowed_ref" else _type(what["type"])
        return how
    return "?"


def _children(value: object) -> Iterator[int]:
    """Yield the numbers of the items that belong to one: rustdoc has them in lists."""
    if isinstance(value, dict):
        for part in value.values():
            yield from _children(part)
    elif isinstance(value, list):
        if _numbers(value):
            yield from (number for number in value if number is not None)
        else:
            for part in value:
                yield from _children(part)


def _numbers(value: list[object]) -> bool:
    return bool(value) and all(part is None or type(part) is int for part in value)


def _known(attrs: Sequence[object]) -> list[object]:
    return [a for a in attrs if not (isinstance(a, dict) and "other" in a)]


def _bare(value: object, paths: Mapping[str, _Path]) -> object:
    """Return a value with paths for numbers, and without the items that speak for themselves."""
    if isinstance(value, dict):
        return {
            key: _meant(part, paths) if key == "id" else _bare(part, paths)
            for key, part in value.items()
        }
    if isinstance(value, (list, tuple)):
        listed = list(value)
        # a tuple's hidden fields count, so their number stays
        return len(listed) if _numbers(listed) else [_bare(part, paths) for part in listed]
    return value


def _meant(number: object, paths: Mapping[str, _Path]) -> str:
    found = paths.get(str(number))
    return "::".join(found.path) if found else ""
