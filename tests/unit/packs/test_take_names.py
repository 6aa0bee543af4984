"""Names of takes: after any end of the process, each action that it had is asked for again."""

import pytest

from floe.packs.take_names import AT_ONCE, TakeNames


def test_number_is_used_again_until_it_gives_an_action() -> None:
    names = TakeNames()
    first = names.begin()
    names.got_nothing(first)
    again = names.begin()
    names.used(again)

    assert (first, again, names.begin()) == (0, 0, 1)


def test_take_without_an_answer_is_repeated_first() -> None:
    names = TakeNames()
    clean, doubtful = names.begin(), names.begin()
    names.got_nothing(clean)
    names.failed(doubtful)

    assert names.is_in_doubt
    assert (names.begin(), names.is_in_doubt, names.begin()) == (doubtful, False, clean)


def after_its_end(names: TakeNames) -> TakeNames:
    shape = names.shape()
    left = TakeNames(shape["takes"], shape["loose"])  # type: ignore[arg-type]
    left.doubt_all()
    return left


def test_next_process_asks_for_each_number_that_may_have_an_action() -> None:
    names = TakeNames()
    for _ in range(10):
        names.used(names.begin())
    written = after_its_end(names)
    at_work = [names.begin() for _ in range(AT_ONCE)]

    assert [written.begin() for _ in range(AT_ONCE)] == at_work
    assert not written.is_in_doubt


def test_record_of_a_later_number_leaves_those_before_it_in_doubt() -> None:
    names = TakeNames()
    names.used(3)

    left = after_its_end(names)

    assert [left.begin() for _ in range(4)] == [0, 1, 2, 4]


@pytest.mark.parametrize("starts", [1, 50])
def test_starts_of_a_pack_that_gets_nothing_add_no_numbers(starts: int) -> None:
    names = TakeNames()
    for _ in range(starts):
        names = after_its_end(names)
        while names.is_in_doubt:
            names.got_nothing(names.begin())

    assert names.shape() == {"takes": AT_ONCE, "loose": [*range(AT_ONCE)]}
