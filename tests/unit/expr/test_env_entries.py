"""Which entries of `env` may hold a value of the run."""

import pytest

from floe.expr.env_entries import entry_faults


@pytest.mark.parametrize(
    "entry", ["PATH=$FLOE_IN_X:$PATH", "BASH_ENV=$FLOE_IN_X", "GIT_SSH_COMMAND=ssh -i $FLOE_IN_X"]
)
def test_a_value_in_a_variable_that_names_code_is_refused(entry: str) -> None:
    assert [fault.at for fault in entry_faults(("A=1", entry), escapes=True)] == [1]


def test_other_variables_take_a_value() -> None:
    assert list(entry_faults(("FOO=$FLOE_IN_X", "ENV=$FLOE_IN_X"), escapes=True)) == []
