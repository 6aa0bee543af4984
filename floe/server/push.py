"""Start runs and answer forms: people by push/data, other systems by webhooks.

A webhook's signature is its credential: over the raw bytes, compared in constant time; nothing is
read without one. An unknown trigger and a wrong signature get the same reply.

Source: floe README, "push/data"; GitHub docs, "Validating webhook deliveries".
"""

import hmac
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import structlog
from aiohttp import web

from floe.files import read_named
from floe.hub.hub import Hub
from floe.model.codec import to_text
from floe.model.errors import Denied, FloeError, Forbidden, NotFound, World, Yours
from floe.model.flow import Trigger
from floe.model.refs import Json
from floe.model.secret import Secret
from floe.places import Places
from floe.server import relay
from floe.server.app_keys import CALLER, HUB
from floe.server.bodies import Fields, json_body, once_of, parse, query, raw_body
from floe.server.problems import answer
from floe.shapes.runs import summary_shape

log = structlog.get_logger()

VER_MAX: Final = 2**31
VISIT_MAX: Final = 2**31

SIGNATURE_LEN: Final = len("sha256=") + 64


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
    """Start a run, or answer an open form."""
    query(request).done()
    order = _order(await json_body(request, any_case=True))
    hub, by = request.app[HUB], request[CALLER].by
    if order.run:
        found = await hub.reads.find(order.run)
        order = replace(order, run=found.ref.key)
        if found.host is not None:
            return await relay.passed_on(request, found.host, found, _body(order))
    once = once_of(request, order.run, order.form if order.run else "")
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


async def hook(request: web.Request) -> web.Response:
    """Start a run by a webhook."""
    hub = request.app[HUB]
    flow, id = request.match_info["flow"], request.match_info["trigger"]
    trigger = _trigger(hub, flow, id)
    secret = await _secret(trigger, request.app[HUB].reads.places)
    signature = _header(request, "X-Hub-Signature-256", "X-Floe-Signature-256")
    if len(signature) != SIGNATURE_LEN:
        raise _denied()  # before any of the body is read
    body = await raw_body(request)
    if not is_signed(body, secret, signature):
        log.warning("push.denied", flow=flow, trigger=id, peer=request.remote)
        raise _denied()
    if request.headers.get("X-GitHub-Event") == "ping":
        return answer({"run": None})  # GitHub tests a new webhook with one ping
    delivery = _header(request, "X-GitHub-Delivery", "X-Floe-Delivery")
    if not delivery or len(delivery) > 200 or not delivery.isascii():
        raise Yours("a delivery id is needed", "send one as X-Floe-Delivery, new for each event")
    done = await hub.trigger(
        flow,
        trigger=id,
        values={"push": payload(body)},
        by=f"trigger:{id}",
        once=f"push:{flow}/{id}:{delivery}",
        kind="push",
    )
    return answer({"run": done.id}, 200 if done.is_known else 202)


def _header(request: web.Request, *names: str) -> str:
    return next((value for name in names if (value := request.headers.get(name))), "")


def _trigger(hub: Hub, flow: str, id: str) -> Trigger:
    try:
        found = hub.reads.book().find(flow)
    except FloeError:
        raise _denied() from None
    trigger = next((t for t in found.triggers if t.type == "push" and t.id == id), None)
    if trigger is None:
        raise _denied()
    return trigger


def _denied() -> Denied:
    return Denied(
        "no such push trigger, or its signature is wrong",
        "sign the raw body: X-Hub-Signature-256: sha256=<hex of HMAC-SHA256>",
    )


SECRET_BYTES_MAX: Final = 64 * 1024


async def _secret(trigger: Trigger, places: Places) -> Secret:
    """The secret of a trigger. Raises Forbidden if it has none."""
    name = trigger.secret
    text = ""
    if name.startswith("$"):
        text = os.environ.get(name[1:], "")
    elif name.startswith("@"):
        try:
            path = Path(name[1:])
            data = await places.read(path, read_named, path, SECRET_BYTES_MAX)
            text = data.decode().strip()
        except (OSError, ValueError) as error:
            log.warning("push.secret_unreadable", trigger=trigger.id, error=str(error))
            raise World("the secret of this trigger cannot be read") from None
    if not text:
        raise Forbidden("this trigger has no secret", "set opts.secret to $NAME or @file")
    return Secret(text)


def is_signed(body: bytes, secret: Secret, signature: str) -> bool:
    """Whether `sha256=<hex>` is the body's HMAC; in constant time."""
    right = "sha256=" + hmac.digest(secret.reveal().encode(), body, "sha256").hex()
    return hmac.compare_digest(right.encode(), signature.encode(errors="replace"))


def payload(body: bytes) -> Json:
    """A webhook's body: parsed if it is JSON, else text."""
    try:
        return parse(body)
    except Yours:
        return body.decode(errors="replace")
