"""The reader of a long reply: whether it is still connected and still authorised."""

from aiohttp import web

from floe.model.errors import Denied
from floe.server.app_keys import AUTH, CALLER


def check_reader(request: web.Request) -> None:
    """Stop a reply whose reader is gone or whose credentials have ended.

    Raises ConnectionAbortedError.
    """
    if request.transport is None or request.transport.is_closing():
        raise ConnectionAbortedError("the client has disconnected")
    try:
        request.app[AUTH].check(request[CALLER])
    except Denied as error:
        raise ConnectionAbortedError(error.what) from None
