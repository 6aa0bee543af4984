"""Releases that this host owes to the keeper, until the keeper acknowledges them.

A release survives a restart: its ledger row stays until the acknowledgement.
"""

from collections.abc import Mapping
from typing import Final

from floe.host.ledger import LedgerRows
from floe.host.peers.outbox import Outbox
from floe.host.site import Site
from floe.host.step import Step
from floe.host.undoable import Undoable
from floe.model.codec import decode, encode
from floe.model.ids import HostId
from floe.model.peer_message import Claim, Release, Released
from floe.model.run import Run

ACQUIRE: Final = "acquire"
RELEASE: Final = "release"
"""Kinds of messages in the outbox; the second is a kind of owed rows, too."""


class Releases:
    """What runs of this host held, on its way back to the keeper."""

    def __init__(self, site: Site, outbox: Outbox, rows: LedgerRows) -> None:
        self._site = site
        self._outbox = outbox
        self._left: Undoable[str, Release] = Undoable(site.journal)
        """What the last process had still to send, by name."""
        for key, row in rows.get("owed", {}).items():
            if key.startswith(f"{RELEASE} ") and isinstance(row, Mapping):
                self.resume_later(key.removeprefix(f"{RELEASE} "), decode(Release, row))

    def resume_later(self, name: str, release: Release) -> None:
        """Send what the last process had still to send in the first step."""
        self._left.put(name, release)

    def resume(self, step: Step) -> None:
        """Send what the last process had still to send."""
        for name, release in self._left.items():
            self._left.put(name, None)
            if self._site.is_self(self._site.keeper, None):  # the last keeper was a peer
                step.keep("owed", f"{RELEASE} {name}", None)
            self.send(step, name, release)
            step.deliver()

    def owe(self, step: Step, run: Run, fences: Mapping[str, str]) -> None:
        """Release a claim of a run and all its earlier ones, until the keeper acknowledges."""
        keeper = self._site.keeper
        claim = Claim(run=run.ref.key, number=run.revoked + 1)
        release = Release(claim=claim, fences=fences)
        if keeper is not None:
            self._outbox.done(keeper, ACQUIRE, run.ref.key)
            self._outbox.done(keeper, RELEASE, run.ref.key)
        if not self._site.is_self(keeper, None):
            step.promise_row("owed", f"{RELEASE} {_release_name(claim)}", encode(release))
        self.send(step, _release_name(claim), release)

    def send(self, step: Step, name: str, release: Release) -> None:
        """Send a release until the keeper acknowledges it."""
        keeper = self._site.keeper
        if keeper is not None:
            self._outbox.send(step, keeper, None, RELEASE, name, release)

    def acknowledged(self, step: Step, keeper: HostId, message: Released) -> None:
        """The keeper has stored a release."""
        name = _release_name(message.claim)
        sent = self._outbox.get(keeper, RELEASE, name)
        owed = sent.message if sent else None
        if isinstance(owed, Release) and dict(owed.fences) == dict(message.fences):
            self._outbox.done(keeper, RELEASE, name)
            step.keep("owed", f"{RELEASE} {name}", None)


def _release_name(claim: Claim) -> str:
    return f"{claim.run}#{claim.number}"
