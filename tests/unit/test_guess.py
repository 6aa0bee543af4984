"""The draw of functions that a reader shall find by their nouns."""

from scripts.guess import functions, page


def test_functions_of_both_languages_can_be_drawn() -> None:
    found = {(one.name, one.place.partition(":")[0]) for one in functions()}

    assert {("fold", "floe/kernel/evolve.py"), ("plain", "webapp/text.js")} <= found


def test_method_of_a_port_is_shown_as_one() -> None:
    nouns = {one.name: one.noun for one in functions()}

    assert (nouns["Spaces.path"], nouns["Workspaces.path"]) == ("the port Spaces", "Workspaces")


def test_same_seed_draws_the_same() -> None:
    assert page(7, 10, answers=False) == page(7, 10, answers=False)


def test_files_are_hidden_until_they_are_asked_for() -> None:
    hidden, shown = (page(7, 10, answers=answers) for answers in (False, True))

    assert (".py:" in hidden, shown.count(".py:") + shown.count(".js:")) == (False, 10)
