"""The shared rows of a host that is its own keeper: a single one, or one without a `keeper:`."""

from floe.host.inputs import CatchUp, WriteRow
from floe.host.peers.member import Member
from floe.host.shared.base import SharedMessage, answer, write_row
from floe.host.shared.table import SharedTable
from floe.host.site import Site
from floe.host.step import Step
from floe.model.ids import HostId, Instant
from floe.model.shared_row import sequence_of


class SharedAlone:
    """Writes rows at once."""

    def __init__(self, site: Site, table: SharedTable) -> None:
        self._site = site
        self._table = table

    @property
    def keeper(self) -> HostId:
        """This host."""
        return self._site.id

    def take(self, step: Step, request: WriteRow | CatchUp, ticket: int) -> None:
        """Handle a request in this step."""
        table = self._table
        if isinstance(request, CatchUp):
            answer(step, ticket, table.state.number, "")
            return
        sequence = sequence_of(self._site.store, self._site.term)
        if table.state.sequence != sequence:
            table.begin(step, sequence)
        if not table.state.is_open:
            table.open(step)
        answer(step, ticket, *write_row(step, table, request))

    def receive(self, step: Step, member: Member, message: SharedMessage) -> None:
        """No host copies these rows."""

    def tick(self, step: Step) -> None:
        """Nothing is repeated."""

    def advertised(self) -> tuple[int, int]:
        """Nothing: no host copies these rows."""
        return 0, 0

    def age(self, now: Instant) -> str:
        """They are never old."""
        return ""

    def lags(self, now: Instant) -> bool:
        """They never lag."""
        return False
