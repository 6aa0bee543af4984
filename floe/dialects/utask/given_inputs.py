"""The values that a person gives for the inputs of a template: checked, kept, filled up."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from floe.dialects.utask.document import UtaskInput
from floe.dialects.utask.input_checks import value_faults
from floe.model.ids import Json


class TakenInputs(NamedTuple):
    """What is kept of given values, and what is wrong with them."""

    values: Mapping[str, Json]
    faults: tuple[str, ...]


def check_given(
    inputs: Sequence[UtaskInput], given: Mapping[str, Json], *, keeps_others: bool = False
) -> TakenInputs:
    """Check values; those of no input are dropped, or kept as uTask keeps those of a resolver."""
    faults: list[str] = []
    for one in inputs:
        value = given.get(one.name)
        if value not in (None, ""):
            faults += value_faults(one, value)
        elif one.default is None and not one.optional:
            faults.append(f"Missing input '{one.name}'")
    names = {one.name for one in inputs}
    kept = {key: value for key, value in given.items() if keeps_others or key in names}
    return TakenInputs(kept, tuple(faults))


def filled(inputs: Sequence[UtaskInput], given: Mapping[str, Json]) -> dict[str, Json]:
    """Values with the defaults of those that are absent; a given null or empty text stays."""
    defaults = {one.name: one.default for one in inputs if one.default is not None}
    return {**defaults, **given}
