"""Work of a node that waits for an answer at an address of its own.

The address has a keyed hash, so that no one guesses it, and the name of the run, so that any host
of the cluster finds it. It is in no fact: a reader of the log of a run cannot answer its calls.
"""

import hmac
from typing import Final, Self

from floe.model.form import Form
from floe.model.http import Http
from floe.model.ids import Instant, NodeId, RunRef, ref_of
from floe.model.nouns import dataclass

ADDRESS: Final = "CALLBACK-ADDRESS"
"""Stands for the address in a request as the log has it. No encoding of a text changes it."""

BODY: Final = "body"
"""The output of a call that takes any JSON."""

PROOF_CHARS: Final = 40
"""Hexadecimal digits of the keyed hash."""

BY_CALLBACK: Final = "callback"
"""Who answered, as the log has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """Work of a flow's task: tell a program or a person an address, and wait until it is called."""

    request: Http | None = None
    """Sent first, with the address in it; None where people pass the address on."""
    form: Form = Form(title="")
    """The fields of the answer; without fields an answer may be any JSON."""
    good_when: str = ""
    """An expression over `outputs`, without which the answer is good."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of its outputs."""
        return tuple(field.id for field in self.form.fields) or (BODY,)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackId:
    """What an address is for: one visit of a node, or one item of it, in all of its attempts."""

    run: RunRef
    node: NodeId
    visit: int
    item: int
    entered_at: Instant
    """Of the visit or the item: a run that begins again on a different host has new addresses."""

    @property
    def at(self) -> str:
        """The part behind the run, as text."""
        return f"{self.node}.{self.visit}.{self.item}.{self.entered_at}"

    def path(self, key: bytes) -> str:
        """The end of the address. `key` is the same at all hosts."""
        return f"{self.run.key}/{self.at}/{self._proof(key)}"

    def is_proven(self, proof: str, key: bytes) -> bool:
        """Whether an address was made with this key, by the hash at its end."""
        return hmac.compare_digest(proof.encode(errors="replace"), self._proof(key).encode())

    @classmethod
    def parse(cls, run: str, at: str) -> Self | None:
        """What the parts of an address name; None for none."""
        ref, parts = ref_of(run), at.rsplit(".", 3)
        if ref is None or len(parts) != len(("node", "visit", "item", "entered_at")):
            return None
        try:
            visit, item, entered_at = map(int, parts[1:])
        except ValueError:
            return None
        named = cls(
            run=ref, node=NodeId(parts[0]), visit=visit, item=item, entered_at=Instant(entered_at)
        )
        return named if named.at == at else None

    def _proof(self, key: bytes) -> str:
        text = f"callback {self.run.key} {self.at}"
        return hmac.digest(key, text.encode(errors="replace"), "sha256").hex()[:PROOF_CHARS]
