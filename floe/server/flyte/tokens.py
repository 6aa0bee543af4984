"""Tokens of people and packs for flyte's API: JWTs of one issuer, verified with its public keys.

The issuer publishes its keys (OIDC discovery, then a JWKS). They are read at the start, every few
minutes, and when a token names a key that is not among them. While the issuer does not answer, the
keys that it had stay.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple
from warnings import catch_warnings, simplefilter

import aiohttp
import jwt
import structlog

from floe.model.errors import World
from floe.model.ids import Json
from floe.server.flyte.policy import Issuer

log = structlog.get_logger()

FETCH_S: Final = 5.0
"""Seconds in which the issuer has to answer."""

REFRESH_S: Final = 300.0
"""Seconds after which the keys are read again."""

PAUSE_S: Final = 5.0
"""Seconds between two readings that tokens with unknown keys cause, since anyone can make such."""

ANSWER_BYTES_MAX: Final = 256 * 1024
KEYS_MAX: Final = 100
TOKEN_CHARS_MAX: Final = 8 * 1024

NOT_YET_S: Final = 60
"""Seconds by which `nbf` may be ahead."""


class TokenInvalid(Exception):
    """A token does not count, and why."""


class _Key(NamedTuple):
    id: str
    key: jwt.PyJWK


class IssuerKeys:
    """The keys of an issuer, and the tokens that it signs."""

    def __init__(
        self,
        issuer: Issuer,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`now` is the instant by which tokens expire; `clock` measures pauses."""
        self._issuer = issuer
        self._now = now
        self._clock = clock
        self._keys: tuple[_Key, ...] = ()
        self._keys_url = ""
        self._reading = asyncio.Lock()
        self._read_at = float("-inf")
        """When the last reading ended."""

    async def open(self) -> None:
        """Read where the keys are, and the keys. Raises World."""
        url = f"{self._issuer.url.rstrip('/')}/.well-known/openid-configuration"
        found = await self._get(url)
        if found.get("issuer") != self._issuer.url:
            what = f"{url} is of the issuer {found.get('issuer')!r}, not of {self._issuer.url!r}"
            raise World(what, "`issuer` of `flyte` must be equal to it, with or without its slash")
        keys_url = found.get("jwks_uri")
        if not isinstance(keys_url, str):
            raise World(f"{url} has no jwks_uri")
        self._keys_url = keys_url
        self._keys = await self._read_keys()
        self._read_at = self._clock()

    async def watch(self) -> None:
        """Read the keys again and again, until cancelled."""
        while True:
            await asyncio.sleep(REFRESH_S)
            await self._refresh()

    async def claims(self, token: str) -> Mapping[str, Json]:
        """The claims of a token that counts. Raises TokenInvalid."""
        key_id = _key_id(token)
        try:
            return self._verified(token, key_id)
        except _NoKey:
            if self._was_read() and not self._reading.locked():
                raise
        await self._refresh()
        return self._verified(token, key_id)

    def _was_read(self) -> bool:
        return self._clock() - self._read_at < PAUSE_S

    def _verified(self, token: str, key_id: str) -> Mapping[str, Json]:
        for key in self._keys:
            if key_id in ("", key.id):
                try:
                    return self._decoded(token, key.key)
                except jwt.InvalidSignatureError:
                    continue
                except (jwt.PyJWTError, ValueError, OverflowError) as error:
                    raise TokenInvalid(str(error)) from None
        raise _NoKey("no key of the issuer verifies it")

    def _decoded(self, token: str, key: jwt.PyJWK) -> Mapping[str, Json]:
        claims: Mapping[str, Json] = jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            audience=self._issuer.client_id,
            issuer=self._issuer.url,
            options={
                "require": ["exp", "iss", "aud"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "verify_sub": False,
                "verify_jti": False,
            },
        )
        if not _instant(claims, "exp", 0) > self._now():  # nor if it is NaN
            raise TokenInvalid("it is expired")
        if _instant(claims, "nbf", 0) > self._now() + NOT_YET_S:
            raise TokenInvalid("it is not valid yet")
        return claims

    async def _refresh(self) -> None:
        """Read the keys, unless that was just done; keep the old ones if it fails."""
        async with self._reading:
            if self._was_read():
                return
            try:
                self._keys = await self._read_keys()
            except World as error:
                log.warning("flyte.keys_unread", error=str(error))
            finally:
                self._read_at = self._clock()

    async def _read_keys(self) -> tuple[_Key, ...]:
        found = (await self._get(self._keys_url)).get("keys")
        keys = tuple(filter(None, map(_key, found[:KEYS_MAX]))) if isinstance(found, list) else ()
        if not keys:
            raise World(f"{self._keys_url} has no RSA key for signatures")
        return keys

    async def _get(self, url: str) -> Mapping[str, Json]:
        """A JSON object of the issuer. Raises World."""
        try:
            async with (
                asyncio.timeout(FETCH_S),
                aiohttp.ClientSession() as session,
                session.get(url) as answer,
            ):
                if answer.status != 200:
                    raise World(f"{url} answers {answer.status}")
                body = await answer.content.read(ANSWER_BYTES_MAX + 1)
                while len(body) <= ANSWER_BYTES_MAX and (more := await answer.content.readany()):
                    body += more
            if len(body) > ANSWER_BYTES_MAX:
                raise World(f"the answer of {url} is larger than {ANSWER_BYTES_MAX} bytes")
            found = json.loads(body)
        except TimeoutError:
            raise World(f"{url} does not answer within {FETCH_S:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise World(f"{url} cannot be reached: {error}") from None
        except (ValueError, RecursionError):
            raise World(f"{url} does not answer with JSON") from None
        if not isinstance(found, dict):
            raise World(f"{url} does not answer with a JSON object")
        return found


class _NoKey(TokenInvalid):
    """No key here verifies the token; a newer one might."""


def _key_id(token: str) -> str:
    """The key that a token names; empty for none. Raises TokenInvalid."""
    if len(token) > TOKEN_CHARS_MAX:
        raise TokenInvalid(f"it is longer than {TOKEN_CHARS_MAX} characters")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise TokenInvalid(str(error)) from None
    if header.get("alg") != "RS256" or "crit" in header:
        raise TokenInvalid("it is not signed by RS256 alone")
    key_id = header.get("kid", "")
    return key_id if isinstance(key_id, str) else ""


def _key(shape: Json) -> _Key | None:
    """A key for signatures by RS256; None for any other."""
    if not isinstance(shape, dict) or shape.get("kty") != "RSA":
        return None
    if shape.get("use", "sig") != "sig" or shape.get("alg", "RS256") != "RS256":
        return None
    try:
        with catch_warnings():
            simplefilter("ignore")
            key = jwt.PyJWK(shape, algorithm="RS256")
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return _Key(str(shape.get("kid", "")), key)


def _instant(claims: Mapping[str, Json], name: str, absent: float) -> float:
    value = claims.get(name, absent)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenInvalid(f"its {name} is no number")
    return value
