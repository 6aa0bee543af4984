"""Requests to flyte's API at its own address, by a policy and the tokens of an issuer."""

import asyncio
import hmac
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm
from jwt.utils import base64url_encode

from floe.dialects.notes import Notes
from floe.model.errors import World
from floe.server.flyte.policy import FlyteAccess, Issuer
from floe.server.flyte.policy_file import policy_in
from floe.server.settings import Bind
from tests.issuer import CLIENT_ID, TestIssuer, private_key
from tests.make_server import a_site
from tests.recorded import counted, document

RECORDED: Final = "flyte/vectors/auth.json"
RECORDS: Final = document(RECORDED)
CASES: Final = RECORDS.get("cases", ())

DIFFERENT: Final = {
    "value types: number 1 against 1": {"status": 200},
    "suffix after *, flows": {"status": 401},
}
"""Where floe does what flyte's documents promise: numbers match, and so does a path after `*`."""

POLICY: Final = "- path: /v1/packs\n  methods: [GET]\n  claims: {groups: [dev]}\n"
DEV: Final = {"groups": ["dev"]}

Answer = dict[str, Any]


@asynccontextmanager
async def a_guarded_site(
    root: Path, policy: str = POLICY, issuer: TestIssuer | None = None
) -> AsyncIterator[tuple[TestIssuer, aiohttp.ClientSession, str]]:
    """The issuer, a client without a token, and the address of flyte's API."""
    async with (issuer or TestIssuer()).serve() as issuing:
        read = policy_in(policy, Notes("policy.yml"))
        assert read is not None
        access = FlyteAccess(policy=read, issuer=Issuer(url=issuing.url, client_id=CLIENT_ID))
        settings = {"flyte": Bind(address="127.0.0.1:0"), "flyte_access": access}
        async with a_site(root, settings=settings, headers={}) as site:
            yield issuing, site.client, site.server.flyte_url


async def asked(
    client: aiohttp.ClientSession, url: str, header: str = "", method: str = "GET"
) -> Answer:
    """The status of an answer, and why it was refused."""
    headers = {"Authorization": header} if header else {}
    body = '{"name":"P"}' if method == "POST" else None
    if body:
        headers["Content-Type"] = "application/json"
    async with client.request(method, url, headers=headers, data=body) as answer:
        found: Answer = {"status": answer.status}
        for name in ("WWW-Authenticate", "Allow"):
            if (value := answer.headers.get(name)) and answer.status in (401, 405):
                found[name.lower()] = value
        return found


async def session(root: Path) -> list[Answer]:
    """The answers to all recorded requests."""
    async with a_guarded_site(root, RECORDS["policy"]) as (issuer, client, url):
        return [await _answer(issuer, client, url, case) for case in CASES]


async def _answer(
    issuer: TestIssuer, client: aiohttp.ClientSession, url: str, case: Mapping[str, Any]
) -> Answer:
    header = ""
    if "token" in case:
        given = {**case["token"], "without": tuple(case["token"].get("without", ()))}
        header = case.get("authorization", "Bearer {t}").replace("{t}", issuer.token(**given))
    header = header or case.get("authorization", "")
    return await asked(client, url + case["path"], header, case["method"])


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[Answer]:
    return asyncio.run(session(tmp_path_factory.mktemp("site")))


@pytest.mark.parametrize(
    "number", counted(RECORDED, ((case["why"], at) for at, case in enumerate(CASES)))
)
def test_recorded_request_is_answered_as_flyte_answered_it(
    answers: list[Answer], number: int
) -> None:
    case, found = CASES[number], answers[number]
    expected = DIFFERENT.get(case["why"], case["expect"])

    assert found == expected


async def test_token_that_nobody_signed_is_refused(tmp_path: Path) -> None:
    async with a_guarded_site(tmp_path) as (issuer, client, url):
        found = await asked(client, f"{url}/v1/packs", f"Bearer {issuer.token(DEV, alg='none')}")

    assert found["status"] == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["other", "example"]},
        {"aud": ""},
        {"iss": "https://elsewhere.example.com"},
        {"exp": float("nan")},
        {"exp": "soon"},
        {"exp": True},
        {"nbf": "now+299"},
    ],
)
async def test_token_of_wrong_claims_is_refused(tmp_path: Path, claims: dict[str, Any]) -> None:
    async with a_guarded_site(tmp_path) as (issuer, client, url):
        token = issuer.token({**DEV, **claims})
        found = await asked(client, f"{url}/v1/packs", f"Bearer {token}")

    assert found == {
        "status": 401,
        "www-authenticate": 'Bearer realm="token", error="invalid_token"',
    }


@pytest.mark.parametrize("claims", [{"aud": ["a", CLIENT_ID]}, {"nbf": "now+30"}, {"sub": 7}])
async def test_token_that_counts_passes(tmp_path: Path, claims: dict[str, Any]) -> None:
    async with a_guarded_site(tmp_path) as (issuer, client, url):
        token = issuer.token({**DEV, **claims})

        assert (await asked(client, f"{url}/v1/packs", token))["status"] == 200


@pytest.mark.parametrize(
    "token", ["", "a.b.c", "....", "e30.e30.", "x" * 8000, "e30." * 1500, "[]", "bnVsbA.e30.AA"]
)
async def test_garbage_is_no_token(tmp_path: Path, token: str) -> None:
    async with a_guarded_site(tmp_path) as (_, client, url):
        assert (await asked(client, f"{url}/v1/packs", f"Bearer {token}"))["status"] == 401


async def test_token_with_critical_extensions_is_refused(tmp_path: Path) -> None:
    async with a_guarded_site(tmp_path) as (issuer, client, url):
        token = issuer.token(DEV, crit=["exp"])

        assert (await asked(client, f"{url}/v1/packs", token))["status"] == 401


async def test_public_key_is_no_secret(tmp_path: Path) -> None:
    """A token that is signed by HS256, with the published key as the secret."""
    public = private_key("k1").public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    async with a_guarded_site(tmp_path) as (issuer, client, url):
        _, body, _ = issuer.token(DEV).split(".")
        head = base64url_encode(b'{"alg":"HS256","typ":"JWT","kid":"k1"}').decode()
        signed = hmac.digest(pem, f"{head}.{body}".encode(), "sha256")
        token = f"{head}.{body}.{base64url_encode(signed).decode()}"

        assert (await asked(client, f"{url}/v1/packs", f"Bearer {token}"))["status"] == 401


async def test_token_cannot_bring_its_key(tmp_path: Path) -> None:
    own = RSAAlgorithm.to_jwk(private_key("forged").public_key(), as_dict=True)
    async with a_guarded_site(tmp_path) as (issuer, client, url):
        found = [
            (await asked(client, f"{url}/v1/packs", f"Bearer {token}"))["status"]
            for token in (
                issuer.token(DEV, key="forged", kid=None, jwk=own),
                issuer.token(DEV, key="forged", kid="k1", jku=f"{url}/v1/datastore/keys"),
                issuer.token(DEV, key="forged", kid="../../dev/null"),
            )
        ]

    assert found == [401] * 3


async def test_path_is_matched_as_the_routes_match_it(tmp_path: Path) -> None:
    policy = "- path: /v1/packs/:pack\n  methods: [GET]\n"
    async with a_guarded_site(tmp_path, policy) as (_, client, url):
        found = [
            (await asked(client, url + path))["status"]
            for path in ("/v1/%70acks/a", "/v1/packs/a%2Fb", "/v1/packs/a/../b", "//v1/packs/a")
        ]

    assert found == [404, 404, 404, 401]


async def test_issuer_that_names_itself_differently_ends_the_start(tmp_path: Path) -> None:
    issuer = TestIssuer()
    issuer.named = "https://elsewhere.example.com"

    with pytest.raises(World, match="is of the issuer"):
        async with a_guarded_site(tmp_path, issuer=issuer):
            pass
