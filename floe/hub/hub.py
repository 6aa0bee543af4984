"""The hub: a host at work, with the acts that callers may ask for. Questions are in `reads`."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import structlog

from floe.host.form_answers import answered
from floe.host.inputs import (
    Drain,
    Forget,
    Free,
    Incoming,
    Input,
    Mark,
    PassOver,
    SecretNames,
    Start,
)
from floe.host.opening_inputs import OpenRun
from floe.host.rerun_plan import RerunPlan, RerunRequest
from floe.host.retention import Wanted
from floe.hub.attempts.callbacks import Callbacks
from floe.hub.attempts.masked_inputs import SECRET
from floe.hub.attempts.outside import Outside
from floe.hub.flows import FlowBook, flow_start, flow_start_values, flow_trigger
from floe.hub.life import Life
from floe.model.effect import Effect
from floe.model.errors import ConfigInvalid, Conflict, NotFound, TriggerHeld
from floe.model.flow import Flow, Trigger, TriggerType
from floe.model.ids import HostId, Json, RunRef, StoreId
from floe.model.passes import BeginPass
from floe.model.secret_name import SecretName
from floe.model.signal import Cancel
from floe.model.summary import Summary
from floe.nodes.base import KeyUse, SecretRows
from floe.store.base import LedgerWrite

log = structlog.get_logger()


class Done(NamedTuple):
    """The answer of the hub to an act on a run."""

    row: Summary
    """Of the run, after the act."""
    is_known: bool = False
    """An earlier call with the same key did it."""

    @property
    def id(self) -> str:
        """The id of the run on which the hub acted."""
        return self.row.id


class Hub(Life):
    """A host at work, with the acts of callers. Use as `async with`, from one task."""

    async def trigger(
        self,
        flow: str,
        *,
        trigger: str = "",
        values: Mapping[str, Json],
        by: str,
        once: str = "",
        kind: TriggerType = "data",
    ) -> Done:
        """Start a run by a push trigger, or by hand; returns when it is on the disk.

        `flow` is `id` or `id@ver`; `trigger` an id, else the first of its kind. A person, who is
        the kind `data`, may pull any trigger. `once`: a second call with the same key is answered
        with the first one's run.
        Raises NotFound, TriggerHeld, ValuesInvalid, TooLarge, Busy, StoreFailed, Theirs, World.
        """
        if known := await self.done_before(once):
            return known
        self.machine.check()
        found = self.reads.flow(flow)
        chosen = flow_trigger(found, trigger, kind)
        if kind == "data":
            values = await flow_start_values(chosen, values, self.parts.refs)
        start = flow_start(self.flows.book, found, chosen, values, by=by, once=once)
        return await self._started(start)

    async def _started(self, start: Start) -> Done:
        self.masked.check(start)
        reply = await self.loop.ask(start)
        if reply.run is None and reply.why:
            raise TriggerHeld(reply.why)
        if reply.run is None:
            assert start.rerun_of is not None, "any other start is answered with its run"
            raise await self.reads.missing(RunRef.parse(start.rerun_of.run))
        return Done(await self.reads.summary(reply.run), is_known=not reply.changed)

    async def open(self, opening: OpenRun) -> Done:
        """Open a run of a judged flow here; returns when it is on the disk.

        A second call with the same key is answered with the first one's run. Raises Conflict where
        the run cannot be opened, Yours where a value holds a secret, Busy, StoreFailed, World.
        """
        if known := await self.done_before(opening.once):
            return known
        self.machine.check()
        self.masked.check(opening)
        reply = await self.loop.ask(opening)
        if reply.run is None:
            raise Conflict(reply.why)
        return Done(await self.reads.summary(reply.run), is_known=not reply.changed)

    def pass_over_nowait(self, flow: Flow, trigger: Trigger, why: str) -> None:
        """Remember that a delivery to a push trigger started nothing. Raises Busy."""
        self.loop.put(Incoming(input=PassOver(flow=flow, trigger=trigger, why=why)))

    async def give(
        self,
        run: str,
        node: str,
        values: Mapping[str, Json],
        *,
        good: bool = True,
        visit: int = 0,
        by: str,
        why: str = "",
        once: str = "",
    ) -> Done:
        """Answer an open form.

        Raises NotFound, Forbidden, ValuesInvalid, TooLarge, Conflict, Busy.
        """
        if known := await self.done_before(once):
            return known
        self.masked.check_values(values)
        at = await self.reads.run(run)
        name = self.reads.name_of(at.ref)
        answer = answered(at, node, name, values, good=good, visit=visit, by=by, why=why)
        reply = await self.loop.ask(answer, run=at.ref, once=once)
        if not reply.changed:
            raise Conflict(f"the form {answer.node} of {name} is already answered")
        return Done(await self.reads.summary(at.ref))

    async def rerun_plan(self, run: str, again: RerunRequest) -> RerunPlan:
        """What a re-run would do. Raises NotFound, Removed, Conflict, ValuesInvalid, TooLarge."""
        plan = (await self.reads.earlier(run, again)).plan(again)
        children = await self.child_reruns.plans(plan.flow, plan.rerun.children, again.by)
        return replace(plan, children=children)

    async def rerun(self, run: str, again: RerunRequest, *, by: str, once: str = "") -> Done:
        """Start an ended run again. Raises NotFound, Removed, Conflict, ValuesInvalid, TooLarge,
        Busy."""
        if known := await self.done_before(once):
            return known
        self.machine.check()
        earlier = await self.reads.earlier(run, again)
        return await self._started(earlier.start(again, by=by, once=once))

    async def cancel(self, run: str, *, by: str, why: str = "", once: str = "") -> Done:
        """End a run. Raises NotFound, Conflict where it is over already, Busy."""
        if known := await self.done_before(once):
            return known
        ref = self.reads.ref(run)
        await self.reads.summary(ref)
        self.history.check(ref)
        reply = await self.loop.ask(Cancel(by=by, why=why), run=ref, once=once)
        if not reply.changed:
            raise Conflict(f"{self.reads.name_of(ref)} is over or already being cancelled")
        return Done(await self.reads.summary(ref))

    async def begin_pass(self, run: RunRef, *, by: str, why: str = "", once: str = "") -> Done:
        """Run a judged run again that rests. Raises Conflict where it does not, Busy."""
        if known := await self.done_before(once):
            return known
        await self.people.act(run, BeginPass(by=by, why=why), once=once)
        return Done(await self.reads.summary(run))

    def cancel_nowait(self, run: str, *, by: str, why: str = "") -> None:
        """Request the end of a run without waiting for it; one that is over stays as it is."""
        self.loop.put(Incoming(input=Cancel(by=by, why=why), run=self.reads.ref(run)))

    async def reload(self) -> FlowBook:
        """Read the config again.

        Raises ConfigInvalid; then the old flows stay, with the findings of the new config.
        """
        try:
            book = await self.flows.reload()
        except ConfigInvalid:
            self.feed.announce({"type": "flows"})
            raise
        self.watch_triggers()
        self.feed.announce({"type": "flows"})
        log.info("config.reloaded", flows=len(book.flows), path=book.path)
        return book

    async def drain(self, *, on: bool) -> None:
        """Take no new runs, or take them again; stays so over a restart."""
        await self.loop.ask(Drain(on=on))

    async def forget(self, host: HostId, store: StoreId | None = None, *, force: bool) -> None:
        """Give up a host and its store permanently. Raises Conflict where that is refused."""
        await self._ask(Forget(host=host, store=store, force=force))

    async def free(self, tag: str, run: RunRef) -> None:
        """Take a resource from the run that holds it; at the keeper. Raises Conflict."""
        await self._ask(Free(tag=tag, run=run.key))

    async def prune(self, wanted: Wanted) -> bool:
        """Remove what is not kept; False where that takes longer than a caller waits."""
        return await self.pruning.ask(wanted)

    @property
    def outside(self) -> Outside:
        """What programs do with the outside work of this hub."""
        return Outside(self.loop, self.reads, self.store, self.masked)

    @property
    def callbacks(self) -> Callbacks:
        """The calls of this hub."""
        url = self.parts.callbacks_url
        return Callbacks(self.loop, self.reads, self.shared, self.masked, url)

    async def _ask(self, request: Input) -> None:
        reply = await self.loop.ask(request)
        if not reply.changed and reply.why:
            raise Conflict(reply.why)

    async def set_secret(self, name: SecretName, value: str, *, by: str) -> None:
        """Keep a secret in the store, encrypted. Raises Yours, World, Busy."""
        async with self._secrets:
            vault, now = self.parts.secrets, self.clock.now()
            sealed = await asyncio.to_thread(vault.sealed, name, value, now, by)
            await self._keep_secrets({**self._for_runs(name), **sealed})
        log.info("secret.set", name=name, by=by)

    async def remove_secret(self, name: SecretName, *, by: str) -> None:
        """Remove a secret from the store. Raises NotFound, Busy."""
        async with self._secrets:
            if await self.store.row(SECRET, name) is None:
                raise NotFound(f"the vault of {self.host.id} has no secret {name}")
            await self._keep_secrets({**self._for_runs(name), name: None})
        log.info("secret.removed", name=name, by=by)

    async def rotate_key(self, *, by: str) -> KeyUse:
        """Encrypt all secrets of the store, and the keys of sealed runs, with a new key. Raises
        Yours, World, Busy.

        The old keys stay in the key file until no row names them, so a crash at any point leaves
        every secret and every run readable.
        """
        secrets, seals = self.parts.secrets, self.parts.seals
        async with self._secrets:
            # Also if all sealed runs were removed: their keys are in backups, under the old key.
            await asyncio.to_thread(seals.look)
            has_runs = bool(seals.newest)
            rows = await asyncio.to_thread(secrets.sealed_again, has_runs=has_runs)
            await self._keep_secrets(rows)
            await asyncio.to_thread(seals.look)
            runs = await self.run_keys.wrap_again()
            use = await asyncio.to_thread(secrets.drop_keys, seals.uses())
            await asyncio.to_thread(seals.look)  # from here on, no run comes under a dropped key
        log.info("vault.key_rotated", key=use.key, secrets=len(use.names), runs=runs, by=by)
        return replace(use, runs=runs)

    def _begin(self, owed: Sequence[Effect]) -> None:
        super()._begin(owed)
        self._tasks.spawn(self._drop_replaced())

    async def _drop_replaced(self) -> None:
        """Forget replaced values of secrets that no run has any more."""
        async with self._secrets:
            runs = [ref.key for ref in self.loop.core.table.refs()]
            if rows := self.parts.secrets.outlived(runs):
                await self._keep_secrets(rows)
                log.info("secret.old_values_dropped", count=len(rows))

    def _for_runs(self, name: SecretName) -> SecretRows:
        """The rows that keep the value of a secret while runs may have it."""
        runs = self.loop.core.table.flows()
        users = [ref.key for ref, flow in runs if flow is None or name in flow.secret_names]
        return self.parts.secrets.replaced(name, users)

    async def _keep_secrets(self, rows: SecretRows) -> None:
        writes = tuple(LedgerWrite(kind=SECRET, key=k, value=v) for k, v in rows.items())
        await self.loop.ask(Mark(rows=writes))
        await asyncio.to_thread(self.parts.secrets.keep, rows)
        await self.loop.ask(SecretNames(names=self.parts.secrets.names()))

    async def remember(self, kind: str, key: str, value: Json) -> None:
        """Keep a small row for the server (tokens, sessions); None deletes it."""
        await self.loop.ask(Mark(rows=(LedgerWrite(kind=kind, key=key, value=value),)))

    async def done_before(self, key: str) -> Done | None:
        """The answer to an earlier call with the same key."""
        stored = await self.store.row("once", key) if key else None
        if not isinstance(stored, str):
            return None
        return Done(await self.reads.summary(self.reads.ref(stored)), is_known=True)
