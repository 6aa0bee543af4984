"""The ids of correlations and actions: 24 hex digits from which any host finds the run.

An id has a number of the store that opened the run, the serial of the run there, the number of the
step, and a keyed hash. So no table of ids is kept or copied, and no id can be guessed.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from floe.dialects.home_ids import keyed_bits, store_number
from floe.model.ids import HostId, Key, RunRef, StoreId

CHARS: Final = 24

STORE_BITS: Final = 20
SERIAL_BITS: Final = 34
STEP_BITS: Final = 10
HASH_BITS: Final = 32

STEPS_MAX: Final = (1 << STEP_BITS) - 2
"""Steps of a flow whose actions have ids."""

_WHOLE: Final = 0
"""In place of a step: the id is that of the correlation."""


TASK: Final = STEPS_MAX
"""In place of the number of a step: the id is that of a task of a flow of floe's own."""


class FlyteId(NamedTuple):
    """What an id names: a run, the action of one of its steps, or a task for a pack."""

    run: RunRef
    step: int | None
    """The number of the step; None for the correlation."""
    proof: int = 0
    """Of a task: a hash of its attempt, which only the host with the run can check."""


def task_proof(key: Key, secret: bytes) -> int:
    """The hash of an attempt of a task, in the id of its action."""
    return keyed_bits(secret, f"task {key}", HASH_BITS)


def id_text(id: FlyteId, key: bytes) -> str:
    """The text of an id. `key` is the same at all hosts."""
    run, step = id.run, _WHOLE if id.step is None else id.step + 1
    number = store_number(run.store, STORE_BITS) << SERIAL_BITS | run.serial % (1 << SERIAL_BITS)
    hashed = id.proof if id.step == TASK else _hash(run, step, key)
    number = (number << STEP_BITS | step) << HASH_BITS | hashed
    return f"{number:0{CHARS}x}"


def id_in(text: str, stores: Iterable[tuple[HostId, StoreId]], key: bytes) -> FlyteId | None:
    """What a text names, if it is an id of a run that one of these stores opened."""
    if len(text) != CHARS or not set(text) <= set("0123456789abcdef"):
        return None
    number = int(text, 16)
    number, hashed = divmod(number, 1 << HASH_BITS)
    number, step = divmod(number, 1 << STEP_BITS)
    number, serial = divmod(number, 1 << SERIAL_BITS)
    for host, store in stores:
        run = RunRef(host, store, serial)
        if store_number(store, STORE_BITS) != number:
            continue
        if step == TASK + 1:
            return FlyteId(run, TASK, hashed)
        if _hash(run, step, key) == hashed:
            return FlyteId(run, None if step == _WHOLE else step - 1)
    return None


def _hash(run: RunRef, step: int, key: bytes) -> int:
    return keyed_bits(key, f"{run.key} {step}", HASH_BITS)
