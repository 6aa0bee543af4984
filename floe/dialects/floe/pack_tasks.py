"""Builds the work of a pack task from its `opts`."""

from floe.dialects.floe.pack_keys import (
    PACK_COMMAND,
    PACK_GOOD,
    PACK_INPUT,
    PACK_LABELS,
    PACK_NAME,
)
from floe.dialects.notes import Notes
from floe.dialects.pack_work import ACTION, GOOD, queue_of
from floe.dialects.section import SectionValues
from floe.model.call import OutsideTexts, OutsideWork


def read_pack(opts: SectionValues, name: str, notes: Notes) -> OutsideWork:
    """The work of a pack task: a pack takes it as the action of a flow of flyte."""
    return OutsideWork(
        type=ACTION,
        config={GOOD: [*opts[PACK_GOOD]]},
        queue=queue_of(opts[PACK_NAME]),
        name=opts[PACK_COMMAND],
        texts=OutsideTexts(input=opts[PACK_INPUT], labels=opts[PACK_LABELS]),
    )
