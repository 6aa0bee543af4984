"""What a host remembers when it starts."""

from collections.abc import Callable, Coroutine

from floe.host import repositories
from floe.host.core import HostSettings, HubCore
from floe.host.inputs import Addressed
from floe.host.rows import KINDS
from floe.hub.clock import Clock
from floe.hub.parts import Parts
from floe.hub.triggers import Triggers
from floe.model.refs import RunRef
from floe.store.base import Batch, LedgerWrite, RunStore


async def core_of(
    host: HostSettings, store: RunStore, clock: Clock, named: Callable[[RunRef], str]
) -> HubCore:
    """A core that knows all that the store keeps beside runs. The store must be open."""
    await _go_on(clock, store)
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
        named=named,
    )


async def _go_on(clock: Clock, store: RunStore) -> None:
    before = await store.row("clock", "boot")
    clock.go_on(before)
    if (after := clock.row()) != before:
        row = LedgerWrite(kind="clock", key="boot", value=after)
        await store.append(Batch(ledger=(row,)))


async def triggers_of(
    parts: Parts,
    core: HubCore,
    spawn: Callable[[Coroutine[object, object, None]], None],
    say: Callable[[Addressed], None],
    refusal: Callable[[], str],
) -> Triggers:
    """Triggers that know which ticks and commits were seen to. The store must be open.

    `refusal` says why this host takes no run; other hosts of a cluster may take it all the same.
    """
    rows = {kind: await parts.store.ledger(kind) for kind in repositories.KINDS}

    def held_back() -> str:
        if parts.peers is None and (why := refusal()):
            return why
        if core.may_fire(parts.clock.now()):
            return ""
        return "the keeper had not heard of all other hosts, or they name another one"

    return Triggers(parts.clock, parts.refs, spawn, say, rows, held_back, core.keeper_term)
