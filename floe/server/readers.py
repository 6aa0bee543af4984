"""Whoever reads an answer that takes long: are they there still, and may they?"""

from aiohttp import web

from floe.model.errors import Denied
from floe.server.app_keys import AUTH, CALLER


def check_reader(request: web.Request) -> None:
    """Stop an answer that nobody reads any more, or whose reader's credentials have ended.

    Raises ConnectionAbortedError.
    """
    if request.transport is None or request.transport.is_closing():
        raise ConnectionAbortedError("nobody reads any more")
    try:
        request.app[AUTH].check(request[CALLER])
    except Denied as error:
        raise ConnectionAbortedError(error.what) from None
