"""Start runs by webhooks.

The signature is the credential: over the raw bytes, compared in constant time; nothing is read
without one. An unknown trigger and a wrong signature get the same reply. `forges` knows what the
senders do differently, `host.pushes` which runs start.

Source: GitHub docs, "Validating webhook deliveries".
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import structlog
from aiohttp import web

from floe.files import read_named
from floe.host.pushes import judged
from floe.hub.hub import Done, Hub
from floe.model.errors import Denied, FloeError, Forbidden, TriggerHeld, World
from floe.model.flow import Flow, Trigger
from floe.model.ids import Json, Shape
from floe.model.secret import Secret
from floe.places import Places
from floe.server.app_keys import HUB
from floe.server.bodies import raw_body
from floe.server.forges import PING, delivery_of, event_of, forge_of, is_proven, proof_of
from floe.server.problems import answer

log = structlog.get_logger()

SECRET_BYTES_MAX: Final = 64 * 1024


async def hook(request: web.Request) -> web.Response:
    """A webhook: start a run for each push of a delivery, and say why for the others."""
    hub, name = request.app[HUB], request.match_info["flow"]
    flow, trigger = _trigger(hub, name, request.match_info["trigger"])
    secret = await _secret(trigger, hub.reads.places)
    forge = forge_of(request.headers)
    proof = proof_of(forge, request.headers)
    if not proof:
        raise _hook_denied()  # before any of the body is read
    body = b"" if forge.token else await raw_body(request)
    if not is_proven(forge, proof, body, secret):
        log.warning("push.denied", flow=name, trigger=trigger.id, peer=request.remote)
        raise _hook_denied()
    body = await raw_body(request) if forge.token else body
    if event_of(forge, request.headers) == PING:
        return answer({"run": None})
    delivery = delivery_of(forge, request.headers, body)
    verdict = judged(trigger, delivery)
    for why in verdict.passed_over:
        log.info("push.passed_over", flow=name, trigger=trigger.id, why=why)
        hub.pass_over_nowait(flow, trigger, why)
    done, passed_over = list[Done](), [*verdict.passed_over]
    for begin in verdict.begins:
        once = f"push:{name}/{trigger.id}{_place(begin.number)}:{delivery.id}"
        try:
            done.append(await _start(hub, name, trigger, begin.values, once))
        except TriggerHeld as refusal:  # the row about it is stored already
            log.info("push.passed_over", flow=name, trigger=trigger.id, why=refusal.what)
            passed_over.append(refusal.what)
    why = "; ".join((*dict.fromkeys(passed_over), *verdict.notes))
    shape: Shape = {"run": done[0].id if done else None}
    shape |= {"why": why} if why else {}
    shape |= {"runs": [one.id for one in done]} if len(done) > 1 else {}
    return answer(shape, 202 if any(not one.is_known for one in done) else 200)


async def _start(
    hub: Hub, flow: str, trigger: Trigger, values: Mapping[str, Json], once: str
) -> Done:
    return await hub.trigger(
        flow,
        trigger=trigger.id,
        values=values,
        by=f"trigger:{trigger.id}",
        once=once,
        kind="push",
    )


def _place(number: int) -> str:
    """The place of a push in its delivery, for its idempotency key."""
    return f"#{number}" if number else ""


def _trigger(hub: Hub, flow: str, id: str) -> tuple[Flow, Trigger]:
    try:
        found = hub.reads.book().find(flow)
    except FloeError:
        raise _hook_denied() from None
    trigger = next((t for t in found.triggers if t.type == "push" and t.id == id), None)
    if trigger is None:
        raise _hook_denied()
    return found, trigger


def _hook_denied() -> Denied:
    return Denied(
        "no such push trigger, or its signature is wrong",
        "sign the raw body: X-Hub-Signature-256: sha256=<hex of HMAC-SHA256>",
    )


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
