"""Answers the requests to uTask's API, with the name of their caller."""

from typing import Final

from aiohttp import web

from floe.model.codec import to_text
from floe.model.errors import Denied, FloeError, TooLarge
from floe.server.app_keys import HUB
from floe.server.bodies import raw_body
from floe.server.go_yaml_text import YAML, yaml_text
from floe.server.problems import status_of
from floe.server.utask.access import CHALLENGE, user_of
from floe.server.utask.calls import PLAIN, UtaskCall, UtaskReply, UtaskUser
from floe.server.utask.dispatch import NO_PAGE, answered
from floe.server.utask.routes import OPEN, found_route
from floe.server.utask.site import PREFIX, UTASK_SITE

BODY_MAX: Final = 256 * 1024
"""Bytes of a request's body."""

JSON: Final = "application/json; charset=utf-8"


async def answer_call(request: web.Request) -> web.Response:
    """The answer to any request."""
    path = request.rel_url.raw_path.removeprefix(request.app[PREFIX]) or "/"
    if found_route(request.method, path) is None:
        return _written(request, NO_PAGE)
    try:
        user = UtaskUser("") if path.startswith(OPEN) else await user_of(request)
        call = UtaskCall(
            site=request.app[UTASK_SITE],
            user=user,
            method=request.method,
            path=path,
            query_text=request.rel_url.raw_query_string,
            prefix=request.app[PREFIX],
            content=await raw_body(request, BODY_MAX),
        )
    except Denied:
        return _written(request, UtaskReply(401, text="", headers=CHALLENGE))
    except TooLarge:
        what = "binding error: error parsing request body: http: request body too large"
        return _written(request, UtaskReply(400, {"error": what}))
    except FloeError as error:
        return _written(request, UtaskReply(status_of(error), {"error": str(error)}))
    return _written(request, await answered(call))


def _written(request: web.Request, reply: UtaskReply) -> web.Response:
    """An answer as HTTP has it; YAML for a client that prefers that."""
    if reply.text is not None or reply.shape is None:
        headers = {"Content-Type": PLAIN, **reply.headers}
        return web.Response(status=reply.status, body=(reply.text or "").encode(), headers=headers)
    masks = request.app[HUB].reads.masks()
    shape = masks.json(reply.shape) if masks else reply.shape
    is_yaml = prefers_yaml(request.headers.get("Accept", ""))
    text = yaml_text(shape) if is_yaml else to_text(shape)
    return web.Response(
        status=reply.status,
        body=text.encode(errors="backslashreplace"),
        headers={"Content-Type": YAML if is_yaml else JSON, **reply.headers},
    )


def prefers_yaml(accept: str) -> bool:
    """Whether YAML is accepted, and JSON is not, or after it."""
    kinds = [one.partition(";")[0].strip() for one in accept.split(",")]
    if YAML not in kinds:
        return False
    json = "application/json"
    return json not in kinds or kinds.index(YAML) < kinds.index(json)
