"""The keys of an issuer: rotated, away, slow, and anything but keys."""

import asyncio
from typing import Any

import pytest

from floe.model.errors import World
from floe.server.flyte import tokens
from floe.server.flyte.policy import Issuer
from floe.server.flyte.tokens import IssuerKeys, TokenInvalid
from tests.issuer import CLIENT_ID, TestIssuer


class Seconds:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def keys_of(issuer: TestIssuer, clock: Seconds | None = None) -> IssuerKeys:
    at = Issuer(url=issuer.url, client_id=CLIENT_ID)
    return IssuerKeys(at, clock=clock or Seconds())


async def counts(keys: IssuerKeys, token: str) -> bool:
    try:
        await keys.claims(token)
    except TokenInvalid:
        return False
    return True


async def test_token_of_a_new_key_counts_at_once() -> None:
    clock = Seconds()
    async with TestIssuer().serve() as issuer:
        keys = keys_of(issuer, clock)
        await keys.open()
        issuer.keys = ["k3"]
        clock.now += 60

        assert await counts(keys, issuer.token(kid="k3", key="k3"))
        assert not await counts(keys, issuer.token())


async def test_key_that_was_replaced_under_its_name_is_read_again() -> None:
    clock = Seconds()
    async with TestIssuer().serve() as issuer:
        keys = keys_of(issuer, clock)
        await keys.open()
        issuer._jwks = lambda: renamed(TestIssuer._jwks(issuer))  # type: ignore[method-assign]
        issuer.keys = ["k3"]
        clock.now += 60

        assert await counts(keys, issuer.token(kid="k1", key="k3"))


def renamed(jwks: Any) -> Any:
    return {"keys": [{**key, "kid": "k1"} for key in jwks["keys"]]}


async def test_forged_tokens_do_not_make_the_keys_be_read_again_and_again() -> None:
    clock = Seconds()
    async with TestIssuer().serve() as issuer:
        keys = keys_of(issuer, clock)
        await keys.open()
        clock.now += 60
        forged = issuer.token(kid="k9", key="other")

        found = await asyncio.gather(*(counts(keys, forged) for _ in range(20)))

        assert not any(found)
        assert issuer.reads == 2


async def test_old_keys_stay_while_the_issuer_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "FETCH_S", 0.05)
    clock = Seconds()
    async with TestIssuer().serve() as issuer:
        keys = keys_of(issuer, clock)
        await keys.open()
        issuer.hangs = True
        clock.now += 60

        assert not await counts(keys, issuer.token(kid="k9", key="other"))
        assert await counts(keys, issuer.token())


@pytest.mark.parametrize(
    "body", ["", "[]", "{", '{"keys": 7}', '{"keys": [7, {"kty": "RSA"}]}', "[" * 100_000]
)
async def test_what_is_not_keys_replaces_none(body: str) -> None:
    clock = Seconds()
    async with TestIssuer().serve() as issuer:
        keys = keys_of(issuer, clock)
        await keys.open()
        issuer.body = body or " "
        clock.now += 60

        assert not await counts(keys, issuer.token(kid="k9", key="other"))
        assert await counts(keys, issuer.token())


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"status": 500}, "answers 500"),
        ({"body": "x" * 300_000}, "is larger than"),
        ({"body": "nothing"}, "does not answer with JSON"),
        ({"body": '"keys"'}, "does not answer with a JSON object"),
        ({"keys": []}, "has no RSA key for signatures"),
        ({"hangs": True}, "does not answer within"),
    ],
)
async def test_start_without_keys_is_refused(
    monkeypatch: pytest.MonkeyPatch, how: dict[str, Any], why: str
) -> None:
    monkeypatch.setattr(tokens, "FETCH_S", 0.5)
    async with TestIssuer().serve() as issuer:
        for name, value in how.items():
            setattr(issuer, name, value)

        with pytest.raises(World, match=why):
            await keys_of(issuer).open()


async def test_issuer_that_is_away_is_refused_at_the_start() -> None:
    async with TestIssuer().serve() as issuer:
        keys = keys_of(issuer)

    with pytest.raises(World, match="cannot be reached"):
        await keys.open()


async def test_key_for_encryption_signs_nothing() -> None:
    async with TestIssuer().serve() as issuer:
        shapes = issuer._jwks()
        issuer._jwks = lambda: {  # type: ignore[method-assign]
            "keys": [{**key, "use": "enc"} if key["kid"] == "k1" else key for key in shapes["keys"]]
        }
        keys = keys_of(issuer)
        await keys.open()

        assert not await counts(keys, issuer.token())
        assert await counts(keys, issuer.token(kid="k2", key="k2"))
