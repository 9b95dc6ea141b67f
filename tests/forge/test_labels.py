"""``forkbot init-repo`` with a token: every label that the bot and people use is made, once."""

from forkbot.connection import Connection
from forkbot.initrepo import LABELS, label
from tests.forge.places import GitHubPlace


def test_all_labels_are_made_and_a_second_time_none(github: GitHubPlace) -> None:
    label(Connection(forge=github.forge, home=github.repo))
    assert github.gate.writes == [f"POST {github.at}/labels"] * len(LABELS)
    made = {
        (a.body["name"], a.body["color"]) for a in github.gate.asked if isinstance(a.body, dict)
    }
    assert made == {(la.name, la.colour) for la in LABELS}
    assert all(len(la.about) <= 100 for la in LABELS)
    github.gate.asked.clear()
    label(Connection(forge=github.client(), home=github.repo))
    assert github.gate.writes == []
