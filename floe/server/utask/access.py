"""The users of uTask's API: a caller with a credential of floe, under the name that it gives.

A client of uTask sends a name and a password: the password is a token of floe. So far each user is
an administrator, whatever its name.
"""

import base64
import binascii
from typing import Final

from aiohttp import web

from floe.model.errors import Denied
from floe.server.app_keys import AUTH, CALLER
from floe.server.connection import Connection
from floe.server.origin import SAFE, check_origin
from floe.server.utask.calls import UtaskUser

USER: Final = "X-Remote-User"
"""The header that names the user, as a proxy in front of uTask sends it."""

CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="Authorization Required"'}


async def user_of(request: web.Request) -> UtaskUser:
    """The user of a request. Raises Denied, Throttled, Forbidden, KeeperAway."""
    auth = request.app[AUTH]
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    name = ""
    if scheme.lower() == "basic":
        name, password = _pair(text)
        if request.method not in SAFE and _is_of_a_page(request):
            check_origin(request)  # browsers send these credentials by themselves
        caller = await auth.by_token(request, password)
    else:
        caller = await auth.caller(request)
    request[CALLER] = caller
    if isinstance(request.protocol, Connection):
        request.protocol.let_in()
    given = request.headers.get(USER, "") or name or caller.by
    return UtaskUser(given.encode(errors="replace").decode())  # a header may have any bytes


def _pair(text: str) -> tuple[str, str]:
    try:
        name, _, password = base64.b64decode(text.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Denied("wrong credentials") from None
    return name, password


def _is_of_a_page(request: web.Request) -> bool:
    return "Origin" in request.headers or "Sec-Fetch-Site" in request.headers
