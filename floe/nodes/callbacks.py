"""Sends the requests of calls: each tells its receiver the address at which the call waits.

Rule of this file: the address is made when it is sent. It is in no fact and in no output.
"""

from collections.abc import Awaitable, Callable
from urllib.parse import quote

from floe.kernel.judge import CALLBACK
from floe.model.callback import ADDRESS, Callback
from floe.model.errors import World
from floe.model.http import Http
from floe.model.ids import Key
from floe.model.nouns import replace
from floe.model.signal import Answered, Report
from floe.model.template import Template, TemplatePart, Text
from floe.nodes.base import Job
from floe.nodes.logged_attempts import AttemptLog, ExchangeFailed
from floe.nodes.requests import Requests

AddressOf = Callable[[Key], Awaitable[str]]
"""Gives the address of the call of an attempt. Raises FloeError."""


async def _no_address(key: Key) -> str:
    raise World("this host has no address for callbacks")


class CallRequests(Requests):
    """The executor of the requests of calls."""

    address_of: AddressOf = staticmethod(_no_address)
    """The hub's, once it is there."""

    async def _exchange(self, job: Job, log: AttemptLog) -> Report:
        work = job.work
        if not isinstance(work, Callback) or work.request is None:
            raise TypeError(f"{type(work).__name__} has no request")
        address = await self.address_of(job.key)
        reply = await self._sent(with_address(work.request, address), job, log)
        if not reply.good:
            raise ExchangeFailed(f"the server did not take the address: it {reply.why}")
        return Answered(good=True, outputs={}, output_bytes=reply.output_bytes)


def with_address(request: Http, address: str) -> Http:
    """A request with the address of its call in it. It has no character that JSON changes."""
    encoded = quote(address, safe="")
    body = request.body
    return replace(
        request,
        url=_put(request.url, encoded),
        headers=tuple(replace(one, value=_put(one.value, address)) for one in request.headers),
        body=body and _put(body, encoded if request.body_type == "form" else address),
        auth=request.auth and replace(request.auth, user=_put(request.auth.user, address)),
    )


def _put(text: Text, address: str) -> Text:
    if isinstance(text, str):
        return text
    return Template(parts=tuple(_put_into(part, address) for part in text.parts))


def _put_into(part: TemplatePart, address: str) -> TemplatePart:
    names_it = part.path[:1] == (CALLBACK,) or CALLBACK in part.code
    if not names_it or part.data is None:
        return part
    return replace(part, data=part.data.replace(ADDRESS, address), is_secret=True)
