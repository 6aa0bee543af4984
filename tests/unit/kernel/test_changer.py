"""Changed copies are those that `dataclasses.replace` makes."""

from dataclasses import replace

from floe.kernel.changer import changer
from floe.model.run import Run
from tests.make import a_run


def test_changed_copy_is_a_replaced_one() -> None:
    run = a_run()

    changed = changer(Run)(run, seq=7, why="because")

    assert changed == replace(run, seq=7, why="because")


def test_original_stays_as_it_was() -> None:
    run = a_run()

    changer(Run)(run, seq=7)

    assert run == a_run()
