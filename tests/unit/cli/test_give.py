"""What `floe give` sends: the node may be left out, and values are given in two ways."""

from typing import Any

import pytest
from click.testing import CliRunner, Result

from floe.cli import give

FORM = {"node": "sign-off", "visit": 1, "fields": [], "title": "Sign Off"}


class Client:
    """A host with a run that has one open form; `sent` is the answer that it gets."""

    def __init__(self) -> None:
        self.sent: dict[str, Any] = {}

    def get(self, path: str) -> dict[str, Any]:
        return {"id": "h1-1", "forms": [FORM]}

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.sent = body["form"]
        return {}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    client = Client()
    monkeypatch.setattr(give, "connected", lambda: client)
    return client


def gave(*words: str) -> Result:
    return CliRunner().invoke(give.command, ["h1-1", *words])


@pytest.mark.parametrize(
    "words",
    [
        ("ok=true", "note=a=b"),
        ("-d", "ok=true", "-d", "note=a=b"),
        ("sign-off", "ok=true", "-d", "note=a=b"),
        ("task.sign-off", "ok=true", "note=a=b"),
    ],
)
def test_answer_goes_to_the_named_or_the_only_open_form(
    client: Client, words: tuple[str, ...]
) -> None:
    assert gave(*words).exit_code == 0

    sent = client.sent
    assert (sent["id"], sent["values"]) == ("sign-off", {"ok": "true", "note": "a=b"})


def test_two_nodes_are_refused(client: Client) -> None:
    shown = gave("sign-off", "other", "ok=true")

    assert shown.exit_code == 2
    assert "one NODE is expected, not sign-off, other" in shown.output


def test_text_that_is_neither_a_node_nor_a_value_is_refused(client: Client) -> None:
    shown = gave("Sign Off")

    assert shown.exit_code == 2
    assert "'Sign Off' is not a node id" in shown.output
