"""Hints for words of other systems: none stands for a word of floe, and each page is there."""

from pathlib import Path

import pytest

from floe.dialects.floe.other_words import OTHER_DOCUMENTS, OtherDocument
from floe.dialects.floe.vocabulary import EXEC, FLOW, FLOW_TASK, FORM_FIELD, TASK
from floe.dialects.registry import dialect
from floe.dialects.section import Section

PAGE = (Path(__file__).parents[4] / "docs/coming-from.md").read_text()


@pytest.mark.parametrize("section", [FLOW, TASK, EXEC, FLOW_TASK, FORM_FIELD], ids=lambda s: s.name)
def test_word_with_a_hint_is_no_key(section: Section) -> None:
    assert section.hints
    assert not section.hints.keys() & section.by_name.keys()


@pytest.mark.parametrize("other", OTHER_DOCUMENTS, ids=lambda one: one.section)
def test_page_about_a_different_system_is_there(other: OtherDocument) -> None:
    assert f"\n## {other.section}\n" in PAGE


def test_flow_of_flyte_is_known_by_the_event_of_its_first_step() -> None:
    text = "name: f\nsteps: [{event: {name: E, packName: P}, command: {}}]\n"

    [found] = dialect().flows(text, "a.yml").findings

    assert found.what == "this looks like a flow of flyte, not like one of floe"


def test_flow_with_a_key_of_another_system_is_still_read_as_a_flow() -> None:
    text = "id: a\non: push\njobs: {}\ntasks: [{id: e, type: end, listen: trigger.good}]\n"

    found = [one.what for one in dialect().flows(text, "a.yml").findings]

    assert found == ["a flow has no key `on`", "a flow has no key `jobs`"]
