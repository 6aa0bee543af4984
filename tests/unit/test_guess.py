"""The draw of functions that a reader shall find by their nouns."""

from scripts.guess import functions, page


def test_functions_of_both_languages_can_be_drawn() -> None:
    found = {(one.name, one.place.partition(":")[0]) for one in functions()}

    assert {("fold", "floe/kernel/evolve.py"), ("plain", "webapp/text.js")} <= found


def test_what_a_module_keeps_to_itself_is_not_drawn() -> None:
    parts = [part for one in functions() for part in one.name.split(".")]

    assert [part for part in parts if part.startswith("_")] == []


def test_class_is_drawn_in_place_of_its_constructor() -> None:
    signatures = {one.signature for one in functions()}

    assert {"class PassingCommands(Commands)", "class Output"} <= signatures


def test_function_is_shown_with_its_types() -> None:
    signatures = {one.signature for one in functions()}

    assert {
        "fold(ref: RunRef, events: Iterable[Event]) -> Run",
        "Workspaces.path(space: Space) -> Path",
        "port Spaces.path(space: Space) -> Path",
        "plural(count, one, many = `${one}s`)",
    } <= signatures


def test_method_without_a_text_is_shown_with_that_of_its_class() -> None:
    texts = {one.name: one.text for one in functions()}

    assert texts["Whole.read"] == f"Of its class: {texts['Whole']}"


def test_same_seed_draws_the_same() -> None:
    assert page(7, 10, answers=False) == page(7, 10, answers=False)


def test_files_are_hidden_until_they_are_asked_for() -> None:
    hidden, shown = (page(7, 10, answers=answers) for answers in (False, True))

    assert (".py:" in hidden, shown.count(".py:") + shown.count(".js:")) == (False, 10)
