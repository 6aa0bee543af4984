"""The title that values give a run, and what a search reads of them."""

import pytest

from floe.model.ids import Json
from floe.model.search_terms import TERMS_MAX, terms_in
from floe.model.title import TITLE_MAX, one_line, title_from

COMMIT = "c0ffee0123456789c0ffee0123456789c0ffee01"


@pytest.mark.parametrize(
    ("values", "title"),
    [
        ({}, ""),
        ({"branch": "main", "hash": COMMIT}, "main · c0ffee0"),
        ({"ref": "refs/heads/x/y", "hash": COMMIT}, "x/y · c0ffee0"),
        ({"ref": "refs/tags/v1", "url": "https://h/r.git"}, "v1"),
        (
            {"branch": "main", "hash": COMMIT, "subject": "Mend it\n\nbody"},
            "main · c0ffee0 · Mend it",
        ),
        ({"hash": "HEAD~1", "branch": "main"}, "main"),
        ({"version": "1.4.2", "env": "staging"}, "version 1.4.2 · env staging"),
        ({"replicas": 3, "migrate": True, "dry": False}, "replicas 3 · migrate"),
        ({"empty": "", "none": None, "list": [1], "map": {"a": 1}, "n": 0}, "n 0"),
        ({"url": "https://h/r.git", "sub-dir": "src"}, ""),
        ({"a": "1", "b": "2", "c": "3", "d": "4", "e": "5"}, "a 1 · b 2 · c 3 · d 4"),
        ({"notes": "first line\nsecond"}, "notes first line"),
        ({"notes": "x" * 50}, "notes " + "x" * 39 + "…"),
    ],
)
def test_values_give_a_title(values: dict[str, Json], title: str) -> None:
    assert title_from(values) == title


@pytest.mark.parametrize("name", ["token", "NPM_TOKEN", "db-password", "api_key", "key-file"])
def test_value_with_the_name_of_a_secret_is_in_neither(name: str) -> None:
    values: dict[str, Json] = {name: "hunter2", "env": "staging"}

    assert (title_from(values), terms_in(values)) == ("env staging", "staging")


def test_password_in_a_url_is_in_neither() -> None:
    values: dict[str, Json] = {"from": "https://ann:hunter2@h/r.git"}

    assert "hunter2" not in title_from(values) + terms_in(values)


@pytest.mark.parametrize(
    "text",
    ["a\x1bb", "a\nb", "a\x00b", "a\u202eb", "a\u200bb", "a\x9bb", "a\u2028b", "a\ud800b"],
)
def test_line_has_no_control_characters(text: str) -> None:
    assert one_line(text) == "a b"


def test_line_is_bounded() -> None:
    assert len(one_line("word " * 100_000)) == TITLE_MAX


def test_half_a_url_shows_no_half_password() -> None:
    secret = "https://ann:" + "p" * 500 + "@h/r.git"

    assert "pp" not in one_line(f"from {secret}")


def test_search_reads_texts_and_numbers_of_the_values() -> None:
    values: dict[str, Json] = {"env": "Staging", "n": 7, "ok": True, "push": {"a": "b"}}

    assert terms_in(values) == "Staging\n7"


def test_search_reads_a_bounded_part_of_the_values() -> None:
    values: dict[str, Json] = {f"v{n}": "x" * 100 for n in range(100)}

    assert len(terms_in(values)) == TERMS_MAX
