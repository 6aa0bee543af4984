"""Notices: where they go, and which ends they are about."""

import pytest

from floe.model.notice import is_about
from floe.model.result import RunResult
from tests.make_notices import a_message, a_notice


@pytest.mark.parametrize(
    ("notice", "place"),
    [
        ({}, "Slack at hooks.example.com"),
        ({"channel": "teams", "url": "https://u:p@x.example.com:8443/s3cr3t?sig=y"}, "Teams at "),
        ({"url": "$SLACK_URL"}, "Slack ($SLACK_URL)"),
        ({"channel": "webhook", "url": "@/etc/floe/url"}, "webhook (@/etc/floe/url)"),
        ({"channel": "mail", "url": "", "to": ("a@b", "c@d")}, "mail to a@b, c@d"),
    ],
)
def test_place_of_a_notice_has_no_secret(notice: dict[str, str], place: str) -> None:
    shown = a_notice(**notice).place

    assert shown.startswith(place)
    assert "s3cr3t" not in shown


@pytest.mark.parametrize(
    ("result", "recovered", "when"),
    [
        ("bad", False, "bad"),
        ("stalled", False, "bad"),
        ("cancelled", False, "cancelled"),
        ("rejected", False, "cancelled"),
        ("good", False, "good"),
        ("good", True, "recovered"),
    ],
)
def test_each_result_has_its_notices(result: RunResult, recovered: bool, when: str) -> None:
    assert is_about(a_notice(when=(when,)), result, recovered=recovered)
    others = {"bad", "recovered", "cancelled"} - {when}
    assert not is_about(a_notice(when=tuple(others)), result, recovered=recovered)


def test_headline_names_flow_result_and_title() -> None:
    assert a_message().headline == "Build is bad: main · 1a2b3c4"
    assert a_message(result="good", recovered=True, title="").headline == (
        "Build is good again: h1-1"
    )
