"""What a host remembers when it starts."""

from floe.hub.clock import Clock
from floe.hub.core import HostSettings, HubCore
from floe.hub.rows import KINDS
from floe.store.base import Batch, LedgerWrite, RunStore


async def core_of(host: HostSettings, store: RunStore, clock: Clock) -> HubCore:
    """A core that knows all that the store keeps beside runs. The store must be open."""
    serial = await store.row("serial", "run")
    fence = await store.row("keeper", "fence")
    term = await store.row("keeper", "term")
    if not isinstance(term, int):
        term = clock.now() // 1000
        row = LedgerWrite(kind="keeper", key="term", value=term)
        await store.append(Batch(ledger=(row,), promise=True))
    kinds = [kind for kind in KINDS if kind != "floor"] if host.peers else ["drain"]
    return HubCore(
        host,
        store.store_id,
        serial=serial if isinstance(serial, int) else 0,
        fence=fence if isinstance(fence, int) else 0,
        term=term,
        rows={kind: await store.ledger(kind) for kind in kinds},
    )
