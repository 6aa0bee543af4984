"""Start runs and answer forms by push/data. Webhooks are in `webhooks`.

Source: floe README, "push/data".
"""

from dataclasses import replace
from typing import Final

from aiohttp import web

from floe.hub.hub import Hub
from floe.model.codec import to_text
from floe.model.errors import NotFound
from floe.model.ids import Json
from floe.model.nouns import dataclass
from floe.server import relay
from floe.server.app_keys import CALLER, HUB
from floe.server.bodies import json_body
from floe.server.fields import Fields, query
from floe.server.idempotency import idempotency_key
from floe.server.problems import answer
from floe.server.utask.site import UTASK_SITE
from floe.shapes.runs import summary_shape

UTASK: Final = "utask"
"""The dialect whose flows start as tasks."""
VER_MAX: Final = 2**31
VISIT_MAX: Final = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class PushOrder:
    """A request to push/data: a new run, or the answer to a form of a run."""

    flow: str
    """`build` or `build@1`; may be empty if `run` is not."""
    run: str
    form: str
    """The trigger, or the data node, by id."""
    values: "dict[str, Json]"
    good: bool
    visit: int
    """Of the data node; 0: the latest."""
    why: str
    """The reason of a rejection."""


async def data(request: web.Request) -> web.StreamResponse:
    """Push data: start a run, or answer an open form."""
    query(request).done()
    order = _order(await json_body(request, any_case=True))
    hub, by = request.app[HUB], request[CALLER].by
    if order.run:
        found = await hub.reads.find(order.run)
        order = replace(order, run=found.ref.key)
        if found.host is not None:
            return await relay.passed_on(request, found.host, found, _body(order))
    once = idempotency_key(request, order.run, order.form if order.run else "")
    if order.run:
        await _check_flow(hub, order)
        done = await hub.give(
            order.run,
            order.form,
            order.values,
            good=order.good,
            visit=order.visit,
            by=by,
            why=order.why,
            once=once,
        )
    elif (flow := hub.reads.flow(order.flow)).dialect == UTASK:
        from floe.server.utask.by_hand import start_task  # most hosts have no templates

        site = request.app[UTASK_SITE]
        done = await start_task(site, flow, order.values, by=by, once=once)
    else:
        done = await hub.trigger(
            order.flow, trigger=order.form, values=order.values, by=by, once=once
        )
    summary = summary_shape(done.row, hub.reads.name_of)
    return answer({"run": summary["id"], "summary": summary}, 202)


def _order(fields: Fields) -> PushOrder:
    run = fields.text("run")
    ref, form = fields.sub("ref"), fields.sub("form")
    id, ver = ref.text("id", "" if run else None), ref.integer("ver", 0, 1, VER_MAX)
    name, _, other = id.partition("@")
    if ver and other not in ("", str(ver)):
        ref.wrong("ver", f"is {ver}, but {other[:20]} in the id")
    good = form.flag("good")
    if good is False and not run:
        form.wrong("good", "only the form of a run can be rejected")
    visit = form.integer("visit", 0, 1, VISIT_MAX)
    if visit and not run:
        form.wrong("visit", "only the form of a run has visits")
    why = form.text("why")
    if why and good is not False:
        form.wrong("why", "only a rejection has a reason")
    order = PushOrder(
        flow=f"{name}@{ver}" if ver else id,
        run=run,
        form=form.text("id", None if run else ""),
        values=dict(form.mapping("values")),
        good=good is not False,
        visit=visit,
        why=why,
    )
    fields.done()
    return order


def _body(order: PushOrder) -> bytes:
    """A form answer as it is relayed to another host."""
    form: dict[str, Json] = {"id": order.form, "values": order.values, "good": order.good}
    if order.visit:  # an older floe refuses it
        form["visit"] = order.visit
    if order.why:  # so does one from before it
        form["why"] = order.why
    ref = {"id": order.flow} if order.flow else {}
    return to_text({"ref": ref, "run": order.run, "form": form}).encode(errors="backslashreplace")


async def _check_flow(hub: Hub, order: PushOrder) -> None:
    if order.flow:
        run = await hub.reads.run(order.run)
        if order.flow not in (run.flow_id, f"{run.flow_id}@{run.ver}"):
            raise NotFound(f"flow {order.flow[:80]} has no run {hub.reads.name_of(run.ref)}")
