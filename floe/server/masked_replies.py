"""Masks the secrets of a host in its JSON replies.

Facts have none: they are masked before they are stored. A document or an error of a different
program may quote one, such as the default of a form, or the error of a git server.
"""

import asyncio
import json
from typing import Final

from aiohttp import web

from floe.expr.masking import Masks
from floe.model.codec import to_text
from floe.server.app_keys import HUB
from floe.server.problems import Handler

LARGE_BYTES: Final = 64 * 1024
"""Larger replies are searched in a thread."""


@web.middleware
async def mask_replies(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The reply of a handler, without secrets."""
    response = await handler(request)
    masks = request.app[HUB].reads.masks()
    if masks and isinstance(response, web.Response) and response.content_type.endswith("json"):
        body = response.body
        if isinstance(body, bytes) and body:
            is_large = len(body) > LARGE_BYTES
            response.body = (
                await asyncio.to_thread(_masked, body, masks) if is_large else _masked(body, masks)
            )
    return response


def _masked(body: bytes, masks: Masks) -> bytes:
    if not masks.is_in(body):
        return body
    return to_text(masks.json(json.loads(body))).encode(errors="backslashreplace")
