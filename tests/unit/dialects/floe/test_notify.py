"""How a message is written, and what it is compiled to."""

import pytest

from floe.dialects.floe.dialect import FloeDialect
from floe.model.notify import Notify
from floe.model.secret_name import SecretName, SecretRef
from floe.shapes.work import work_shape

DOCUMENT = """
id: a
triggers: [{{id: start, type: data}}]
tasks: [{{id: t, type: notify, listen: trigger.good, opts: {{{opts}}}}}]
"""
URL = "https://hooks.example.com/T1/s3cr3t"


def said(opts: str) -> list[str]:
    """The findings about a message with these opts."""
    findings = FloeDialect().flows(DOCUMENT.format(opts=opts), "f.yml").findings
    return [f.what for f in findings]


def work(opts: str) -> Notify:
    compiled = FloeDialect().flows(DOCUMENT.format(opts=opts), "f.yml")
    assert compiled.findings == ()
    found = compiled.flows[0].nodes[0].work
    assert isinstance(found, Notify)
    return found


@pytest.mark.parametrize(
    ("opts", "place"),
    [
        (f"slack: '{URL}', text: up", "Slack at hooks.example.com"),
        ("teams: $TEAMS_URL, text: up", "Teams ($TEAMS_URL)"),
        ("webhook: {secret: HOOK}, text: up", "webhook (secret HOOK)"),
        ("mail: {to: [ops@example.com]}, subject: s, text: up", "Mail to ops@example.com"),
    ],
)
def test_message_is_shown_by_its_place(opts: str, place: str) -> None:
    shown = work_shape(work(opts))

    assert str(shown["place"]).casefold() == place.casefold()
    assert "s3cr3t" not in str(shown)


def test_secret_is_named() -> None:
    assert work("slack: {secret: HOOK}, text: up").secret == SecretRef(SecretName("HOOK"))


def test_address_is_hidden_in_the_text_of_the_flow() -> None:
    text = DOCUMENT.format(opts=f"slack: '{URL}', text: up")

    [found] = FloeDialect().flows(text, "f.yml").written.values()

    assert "s3cr3t" not in found.text
    assert "slack: '***'" in found.text


@pytest.mark.parametrize(
    ("opts", "what"),
    [
        ("text: up", "a message needs one of `slack`, `teams`, `webhook` and `mail`"),
        ("slack: $A, teams: $B, text: up", "a message has one address, not 2"),
        ("slack: $A, text: up, subject: x", "only a mail has a `subject`"),
        ("slack: $A", "`opts` of a notify task needs `text`"),
        ("slack: nowhere, text: up", "`slack` is no http(s) URL, `$NAME` or `@file`"),
        ("slack: $A, text: '{{ values.b }}'", "no trigger of this flow gives the value `b`"),
    ],
)
def test_shows_what_is_wrong(opts: str, what: str) -> None:
    assert what in said(opts)
