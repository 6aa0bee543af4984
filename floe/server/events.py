"""The events of a run."""

from typing import Final

from aiohttp import web

from floe.model.codec import encode_event, iso
from floe.model.event import RunActivated
from floe.model.tags import TRIGGER_GOOD
from floe.server.app_keys import HUB
from floe.server.fields import query
from floe.server.problems import answer
from floe.shapes.passwords import without_passwords
from floe.shapes.work import work_shape
from floe.store.base import Stored

PAGE_MAX: Final = 500
SEQ_MAX: Final = 2**53


async def index(request: web.Request) -> web.Response:
    """A run's events in order, page by page."""
    return answer(await page(request, request.match_info["run"]))


async def page(request: web.Request, run: str) -> dict[str, object]:
    """The requested page of the events stored here."""
    fields = query(request)
    after = fields.integer("after", 0, 0, SEQ_MAX)
    limit = fields.integer("limit", PAGE_MAX, 1, PAGE_MAX)
    fields.done()
    reads = request.app[HUB].reads
    found = await reads.events(run, after, limit + 1)
    page = found[:limit]
    more = page[-1].record.seq if len(found) > limit else None
    shown = [event_shape(stored) for stored in page]
    if (await reads.summary(reads.ref(run))).label:  # a run of a dialect may have passwords
        whole = await reads.run(run)
        shown = [without_passwords(whole, one) for one in shown]
    return {"events": shown, "next": more}


def event_shape(stored: Stored) -> dict[str, object]:
    """An event with all its fields; values in work that may be secret are hidden."""
    event = stored.record.event
    data = encode_event(event)
    if "work" in data and (work := getattr(event, "work", None)) is not None:
        data["work"] = work_shape(work)
    return {**fact_shape(stored), "data": data}


def fact_shape(stored: Stored) -> dict[str, object]:
    """An event without its data."""
    record = stored.record
    event = record.event
    tag = TRIGGER_GOOD if isinstance(event, RunActivated) else getattr(event, "tag", None)
    named = {"node": getattr(event, "node", ""), "tag": tag, "by": getattr(event, "by", "")}
    return {
        "seq": record.seq,
        "epoch": record.epoch,
        "at": iso(event.at),
        "event": type(event).__name__,
        **{name: value for name, value in named.items() if value},
    }
