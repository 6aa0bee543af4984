"""Lets requests to flyte's API pass by a policy and the token of the caller."""

import re
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from floe.server.flyte.policy import Policy, claims_met
from floe.server.flyte.tokens import IssuerKeys, TokenInvalid
from floe.server.problems import Handler

log = structlog.get_logger()

BEARER: Final = re.compile(r"^bearer +", re.IGNORECASE)
WANTED: Final = 'Bearer realm="token"'
REFUSED: Final = 'Bearer realm="token", error="invalid_token"'
CHALLENGE: Final = "WWW-Authenticate"


def access_by(policy: Policy, keys: IssuerKeys) -> Middleware:
    """A middleware that wraps an application, whatever its routes are. Refusals have no body."""

    @web.middleware
    async def access(request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = policy.answer(request.method, request.rel_url.raw_path)
        if answer.status:
            headers = {"Allow": answer.allow} if answer.allow else {}
            return web.Response(status=answer.status, headers=headers)
        if not answer.claims:
            return await handler(request)
        if not (header := request.headers.get("Authorization", "")):
            return web.Response(status=401, headers={CHALLENGE: WANTED})
        try:
            token = await keys.claims(BEARER.sub("", header, count=1).strip())
        except TokenInvalid as error:
            log.info("flyte.token_invalid", path=request.path, why=str(error))
            return web.Response(status=401, headers={CHALLENGE: REFUSED})
        if not claims_met(answer.claims, token):
            log.info("flyte.claims_not_met", path=request.path)
            return web.Response(status=401)
        return await handler(request)

    return access
