"""The other hosts of a single host: there are none."""

from collections.abc import Iterable, Mapping, Sequence

from floe.host.inputs import GiveBack, LogRead, TakeOldest
from floe.host.peers.base import PeerInput
from floe.host.peers.member import Member
from floe.host.step import Step
from floe.model.ids import HostId, Instant, RunRef, StoreId
from floe.model.peer_message import Message
from floe.model.run import Run
from floe.model.signal import Cancel
from floe.store.base import Append, Record, Stored


class NoPeers:
    """A single host: nothing comes from others, and nothing goes to them."""

    def recorded(self, step: Step, record: Record, run: Run) -> None:
        """No peer has to know."""

    def receive_own(self, step: Step, message: Message) -> None:
        """A single host sends nothing to itself."""

    def load(self, runs: Sequence[Run], logs: Iterable[Stored | Record]) -> None:
        """No run is at a peer."""

    def read_again(self, ref: RunRef, run: Run | None, logs: Iterable[Stored | Record]) -> None:
        """No run is at a peer."""

    def receive(self, step: Step, received: PeerInput) -> str:
        """No input concerns other hosts."""
        return "this host has no others"

    def learned(self, rows: Sequence[Append]) -> Sequence[Append]:
        """The rows as they came."""
        return rows

    def cancel(self, step: Step, run: Run, cancel: Cancel) -> bool:
        """No run is at a peer."""
        return False

    def seek(self, step: Step, wanted: TakeOldest, ticket: int) -> bool:
        """No other host has work."""
        return False

    def void(self, step: Step, take: str) -> bool:
        """No other host gave it work."""
        return False

    def give_back(self, step: Step, wanted: GiveBack) -> bool:
        """No work was taken elsewhere."""
        return False

    def wanted(self, now: Instant) -> Sequence[RunRef]:
        """None: no run moves."""
        return ()

    def read(self, step: Step, run: Run, log: LogRead) -> bool:
        """No run moves."""
        return False

    def owes(self, run: RunRef) -> bool:
        """Nothing is owed to others."""
        return False

    def is_gone(self, host: HostId, store: StoreId) -> bool:
        """A single host forgets none."""
        return False

    def begin(self, step: Step) -> None:
        """Nothing precedes placement."""

    def finish(self, step: Step) -> None:
        """Nothing is repeated."""

    def hosts(self) -> Mapping[HostId, Member]:
        """None."""
        return {}

    def problems(self, now: Instant) -> Mapping[HostId, tuple[str, ...]]:
        """None."""
        return {}

    def dead_ends(self) -> Sequence[str]:
        """None: this host takes its own runs."""
        return ()

    def disagreement(self) -> str:
        """None."""
        return ""

    def may_fire(self, now: Instant) -> bool:
        """Always: no other host would."""
        return True

    def keeper_term(self) -> int:
        """A single host is no keeper."""
        return 0
