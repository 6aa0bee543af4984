"""Each error of the tree has its status."""

import json

import pytest

from floe.model import errors
from floe.model.errors import (
    ConfigInvalid,
    Conflict,
    Denied,
    FloeError,
    Forbidden,
    IdInvalid,
    NotFound,
    StoreFailed,
    Theirs,
    TooLarge,
    ValuesInvalid,
    Yours,
)
from floe.model.finding import Finding
from floe.server.problems import (
    Throttled,
    Unsupported,
    answer,
    problem_of,
    status_of,
)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Yours("x"), 400),
        (IdInvalid("run id", "x"), 400),
        (Denied("x"), 401),
        (Forbidden("x"), 403),
        (NotFound("x"), 404),
        (Conflict("x"), 409),
        (TooLarge("x"), 413),
        (Unsupported("x"), 415),
        (ConfigInvalid([]), 422),
        (ValuesInvalid({}), 422),
        (Throttled(3.2), 429),
        (Theirs("x"), 502),
        (StoreFailed("x"), 503),
    ],
)
def test_the_status_of_an_error(error: FloeError, status: int) -> None:
    assert status_of(error) == status


def test_no_error_of_the_tree_is_without_a_status() -> None:
    named = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, FloeError)]

    assert [c for c in named if c is not FloeError and status_of(c.__new__(c)) == 500] == []


def test_a_problem_shows_what_why_and_what_to_try() -> None:
    response = problem_of(NotFound("no run h1-99", "floe runs lists them"))

    assert response.content_type == "application/problem+json"
    assert json.loads(response.body) == {  # type: ignore[arg-type]  # bytes, as made above
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "no run h1-99",
        "hint": "floe runs lists them",
    }


def test_findings_of_a_config_are_reported() -> None:
    finding = Finding(file="x.yml", line=1, col=2, what="odd")

    response = problem_of(ConfigInvalid([finding]))

    assert json.loads(response.body)["findings"][0]["line"] == 1  # type: ignore[arg-type]


def test_throttled_caller_learns_for_how_long() -> None:
    assert problem_of(Throttled(3.2)).headers["Retry-After"] == "4"


def test_bytes_that_were_no_utf8_do_not_break_an_answer() -> None:
    response = answer({"text": "\udcff"})

    assert json.loads(response.body) == {"text": "\udcff"}  # type: ignore[arg-type]
