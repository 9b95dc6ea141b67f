"""The public API in rustdoc's JSON: what counts as the same, and how what does not is named."""

import copy
import json
import re
from collections.abc import Callable

import pytest

from forkbot.errors import MachineError
from forkbot.verify.api import read_api

# One function that takes a type of another crate, one struct with a method; numbers as rustdoc has
# them: anybody's, and other ones each time.
Json = dict[str, dict[str, dict[str, object]]]
CRATE: Json = {
    "index": {
        "1": {"crate_id": 0, "name": "net", "inner": {"module": {"items": [2, 3]}}, "span": 1},
        "2": {
            "crate_id": 0, "name": "look", "docs": "Looks.", "visibility": "public",
            "attrs": [{"other": "#[attr = CfgTrace]"}, {"must_use": {"reason": None}}],
            "inner": {"function": {"sig": {"inputs": [["name", {"id": 9, "path": "Name"}]]}}},
        },
        "3": {"crate_id": 0, "name": "Found", "inner": {"struct": {"impls": [4]}}},
        "4": {
            "crate_id": 0, "name": None,
            "inner": {"impl": {"trait": None, "items": [5],
                               "for": {"resolved_path": {"path": "Found", "id": 3}}}},
        },
        "5": {"crate_id": 0, "name": "first", "inner": {"function": {"sig": {}}}},
    },
    "paths": {
        "1": {"path": ["net"]}, "2": {"path": ["net", "look"]}, "3": {"path": ["net", "Found"]},
        "9": {"path": ["other", "Name"]},
    },
}  # fmt: skip


def api_of(crate: Json) -> bytes:
    return json.dumps({"format_version": 57, **crate}).encode()


def differences(change: Callable[[Json], object]) -> tuple[str, ...]:
    """Return what is told of a crate that was changed so."""
    other = copy.deepcopy(CRATE)
    change(other)
    return read_api(api_of(CRATE)).differences(read_api(api_of(other)))


def test_numbers_words_places_and_cfg_are_no_api() -> None:
    number = re.compile(r'(?<="id": )\d+|(?<=")\d+(?=": )|(?:(?<=\[)|(?<=\d, ))\d+(?=[,\]])')
    shifted = number.sub(lambda found: str(int(found[0]) + 40), api_of(CRATE).decode())
    shifted = shifted.replace("Looks.", "Looks up.").replace('"span": 1', '"span": 7')
    shifted = shifted.replace("CfgTrace", "CfgTrace([Not])")
    assert '"items": [42, 43]' in shifted
    assert read_api(api_of(CRATE)).differences(read_api(shifted.encode())) == ()
    assert len(read_api(shifted.encode())) == 5


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: c["paths"]["9"].update(path=["else", "Name"]),
         "net::look (function) is another"),
        (lambda c: c["index"]["2"].update(visibility="crate"), "net::look (function) is another"),
        (lambda c: c["index"]["2"].update(attrs=[]), "net::look (function) is another"),
        (lambda c: c["index"]["5"]["inner"].update(function={"sig": {"async": True}}),
         "impl Found::first (function) is another"),
    ],
)  # fmt: skip
def test_one_change_is_named_by_the_item_it_is_in(
    change: Callable[[Json], object], told: str
) -> None:
    assert differences(change) == (told,)


def test_what_comes_and_goes_is_named() -> None:
    def renamed(crate: Json) -> None:
        crate["index"]["5"]["name"] = "last"

    assert differences(renamed) == (
        "impl Found::first (function) is gone", "impl Found::last (function) is new",
    )  # fmt: skip


def test_another_format_is_an_error_and_not_a_difference() -> None:
    with pytest.raises(MachineError, match="rustdoc's JSON is not as forkbot knows it"):
        read_api(b'{"format_version": 99, "items": []}')
