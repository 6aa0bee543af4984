"""The group in which a run counts for `max-runs`."""

from collections.abc import Mapping

import pytest

from floe.expr.template import template_of, template_parts
from floe.kernel.group import HASH_CHARS, TEXT_MAX, group_of
from floe.model.flow import MaxRuns
from floe.model.ids import Json
from tests.make import a_flow, a_pending_run


def group(per: str | None, values: Mapping[str, Json] | None = None) -> str:
    template = template_of(template_parts(per)) if per is not None else None
    flow = a_flow(max_runs=MaxRuns(limit=1, per=template))
    return group_of(a_pending_run(flow, values), flow)


def test_run_without_max_runs_has_no_group() -> None:
    assert group_of(a_pending_run(), a_flow()) == ""


def test_runs_count_together_by_flow_and_text() -> None:
    assert group(None) == "max-runs flow"
    assert group("{{ values.branch }}", {"branch": "main"}) == "max-runs flow/main"
    assert group("{{ run.trigger }} {{ values.n }}", {"n": 2}) == "max-runs flow/start 2"


def test_value_that_is_not_given_counts_as_one_text() -> None:
    assert group("{{ values.branch }}") == "max-runs flow/…"


@pytest.mark.parametrize("text", ["x" * (TEXT_MAX + 1), "a\nb", "\ud800"])
def test_text_that_is_not_one_short_line_is_distinguished_by_a_hash(text: str) -> None:
    found = group("{{ values.a }}", {"a": text})

    assert found != group("{{ values.a }}", {"a": f"{text}."})
    assert found.rpartition("#")[2].isalnum()
    assert len(found) <= len("max-runs flow/#") + TEXT_MAX + HASH_CHARS


def test_secret_is_not_part_of_the_text() -> None:
    found = group("{{ values.token }}", {"token": "s3cret"})

    assert found.startswith("max-runs flow/#")
    assert found != group("{{ values.token }}", {"token": "other"})


def test_runs_count_together_by_what_an_expression_comes_to() -> None:
    per = "{{ values.branch|lower }} {{ 'hot' if values.n > 1 else 'cold' }}"

    assert group(per, {"branch": "Main", "n": 2}) == "max-runs flow/main hot"


def test_secret_in_an_expression_is_not_part_of_the_text() -> None:
    found = group("{{ values|json }}", {"token": "s3cret"})

    assert found.startswith("max-runs flow/#")
    assert found != group("{{ values|json }}", {"token": "other"})


def test_expression_that_fails_counts_as_one_text() -> None:
    per = "{{ values.n + 1 }}"

    assert group(per, {"n": "1"}) == group(per, {"n": "2"})
    assert group(per, {"n": "1"}).startswith("max-runs flow/(error: `+` takes")
