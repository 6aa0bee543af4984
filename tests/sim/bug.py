"""What a deliberate bug of a simulated hub is, and how it is put in its place for a while."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from floe.model.peer_message import Envelope, Message
from tests.sim import invariants
from tests.sim.machine import Machine
from tests.sim.mishaps import Lean
from tests.sim.world import World

Patch = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """A fault of the hub, and the invariants that may tell of it."""

    breaks: tuple[str, ...]
    """How the verdict may begin."""
    seeds: range
    """Among these at least one shows it, the first ones if nothing changed: that is quick."""
    at_work: Patch
    """Breaks the hub until it is left."""
    lean: Lean | None = None
    """What brings it about, where it takes many trials otherwise."""


@contextmanager
def patched(owner: Any, **others: Any) -> Iterator[None]:
    """Replace attributes of a class or module for a while."""
    before = {name: owner.__dict__[name] for name in others}
    for name, value in others.items():
        setattr(owner, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(owner, name, value)


def patch(owner: Any, **others: Any) -> Patch:
    """A replacement to be made later."""
    return partial(patched, owner, **others)


def several(*patches: Patch) -> Patch:
    """Several replacements at once."""

    @contextmanager
    def together() -> Iterator[None]:
        with ExitStack() as stack:
            for made in patches:
                stack.enter_context(made())
            yield

    return together


def nothing(*_: object, **__: object) -> None:
    """In place of what the hub forgets to do."""


def never(*_: object, **__: object) -> bool:
    return False


def always(*_: object, **__: object) -> bool:
    return True


SAID_UNSEEN: Final = patch(invariants, what_is_said_is_stored=nothing)

SPLIT: Final = ("run_is_in_one_place", "one_pen_per_run_and_epoch", "copies_are_prefixes")
STUCK: Final = ("every_run_ended", "nothing_is_left_to_say")


def said_once(kind: type[Message]) -> Patch:
    """Nothing of a kind is said a second time."""

    def send(self: World, machine: Machine, envelope: Envelope) -> None:
        name = (kind.__name__, envelope.to_host, getattr(envelope.message, "run", ""))
        if isinstance(envelope.message, kind):
            if name in self.said:
                return
            self.said.add(name)
        _send(self, machine, envelope)

    return patch(World, send=send)


_send = World.send
