"""An OIDC issuer on a loopback port, and the tokens that it signs."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from typing import Any, Final

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

CLIENT_ID: Final = "example-app"
TEXT_KEY: Final = "a text that both sides would know, long enough for HS256"


@cache
def private_key(name: str) -> RSAPrivateKey:
    """A key by its name; the same for the whole process, since making one takes long."""
    assert name
    return generate_private_key(public_exponent=65537, key_size=2048)


class TestIssuer:
    """An issuer; a test says which keys it publishes, and how it misbehaves."""

    __test__ = False

    def __init__(self) -> None:
        self.url = ""
        self.named: str | None = None
        """The issuer in its discovery document; None for its URL."""
        self.keys = ["k1", "k2"]
        self.reads = 0
        """How often its keys were asked for."""
        self.hangs = False
        self.status = 200
        self.body: str | None = None
        """In place of the keys."""
        self._over = asyncio.Event()

    def token(
        self,
        claims: Mapping[str, Any] | None = None,
        *,
        kid: str | None = "k1",
        key: str = "k1",
        alg: str = "RS256",
        without: tuple[str, ...] = (),
        **headers: Any,
    ) -> str:
        """A token; `now+60` in a claim is a minute from now."""
        given: dict[str, Any] = {
            "iss": "<issuer>",
            "aud": CLIENT_ID,
            "sub": "u",
            "iat": "now",
            "exp": "now+300",
            **(claims or {}),
        }
        body = {name: self._claim(value) for name, value in given.items() if name not in without}
        signer: Any = {"none": None}.get(alg, private_key(key))
        if alg.startswith("HS"):
            signer = TEXT_KEY
        if kid is not None:
            headers = {"kid": kid, **headers}
        return jwt.encode(body, signer, algorithm=alg, headers=headers)

    def _claim(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value.startswith("now"):
            return int(time.time()) + int(value[3:] or 0)
        return value.replace("<issuer>", self.url)

    async def _discovery(self, _: web.Request) -> web.Response:
        named = self.url if self.named is None else self.named
        return web.json_response({"issuer": named, "jwks_uri": f"{self.url}/keys"})

    async def _keys(self, _: web.Request) -> web.Response:
        self.reads += 1
        if self.hangs:
            await self._over.wait()
        return web.Response(status=self.status, text=self.body or json.dumps(self._jwks()))

    def _jwks(self) -> Mapping[str, Any]:
        public = [(name, private_key(name).public_key()) for name in self.keys]
        shapes = [(name, RSAAlgorithm.to_jwk(key, as_dict=True)) for name, key in public]
        return {"keys": [{**shape, "kid": name, "use": "sig"} for name, shape in shapes]}

    @asynccontextmanager
    async def serve(self) -> AsyncIterator["TestIssuer"]:
        """Serve until the body ends."""
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/keys", self._keys)
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            self._over.set()
            await runner.cleanup()

    @contextmanager
    def serve_in_thread(self) -> Iterator["TestIssuer"]:
        """The same for a body that is not asynchronous."""
        ready = threading.Event()
        loop = asyncio.new_event_loop()
        over = asyncio.Event()

        async def serve() -> None:
            async with self.serve():
                ready.set()
                await over.wait()

        thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
        thread.start()
        ready.wait()
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(over.set)
            thread.join()
            loop.close()
