"""Where other hosts come in."""

import pytest
from aiohttp.test_utils import make_mocked_request

from floe.model.errors import Denied
from floe.model.secret import Secret
from floe.peers.base import TOKEN
from floe.server.peer_auth import PeerAuth
from floe.server.settings import Bind, ServerSettings


async def test_nobody_comes_in_before_the_private_address_is_known() -> None:
    private = Bind(address="127.0.0.1:0")
    settings = ServerSettings(admin=Secret("a"), cluster=Secret("c"), private=private)
    auth = PeerAuth(settings, None)

    with pytest.raises(Denied):
        auth.admit(make_mocked_request("GET", "/", headers={TOKEN: "c"}))
