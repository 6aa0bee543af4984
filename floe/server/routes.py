"""All routes in one table: path, access, request and reply.

A route requires credentials unless it is `public`; the guard, the API's description and the tests
read this table.
"""

from collections.abc import Mapping
from typing import Any, Final

from floe.server import (
    acts,
    callbacks,
    events,
    feed,
    flows,
    forms,
    health,
    hosts,
    inbox,
    leases,
    login,
    logs,
    metrics,
    openapi,
    passes,
    peers,
    pends,
    personal_tokens,
    prunes,
    push,
    reruns,
    runs,
    secrets,
    static,
    stream,
    token_exchange,
    webhooks,
)
from floe.server.dialect_peers import DIALECT_PEER_ROUTES
from floe.server.flyte.board_routes import FLYTE_BOARD_ROUTES
from floe.server.flyte.people_routes import FLYTE_PEOPLE_ROUTES
from floe.server.idempotency import ONCE_MAX
from floe.server.json_schema import FLAG, INSTANT, TEXT
from floe.server.route import Route

PLAIN: Final = "text/plain"
HTML: Final = "text/html"
ANYTHING: Final = "*/*"
CALLBACK: Final = "callback/{of}/{at}/{proof}"
VAULT: Final = "hosts/{host}/secrets"


PAGE: Final = {
    "state": {"type": "string", "description": "some of pending, active, archive, with commas"},
    "good": FLAG,
    "result": {
        "type": "string",
        "description": "some of good, bad, cancelled, rejected, stalled, with commas",
    },
    "host": TEXT,
    "since": INSTANT,
    "until": INSTANT,
    "text": {"type": "string", "description": "part of id, flow, why, by or trigger"},
    "limit": {"type": "integer", "minimum": 1, "maximum": 500, "default": 50},
    "cursor": {"type": "string", "description": "`next` of the page before"},
}

ONCE: Final = {
    "Idempotency-Key": {
        "type": "string",
        "maxLength": ONCE_MAX,
        "description": "a repeated key has no second effect and gets the first run",
    },
}

RANGE: Final = {"Range": {"type": "string", "examples": ["bytes=-1000"]}}

SIGNED: Final = {
    "X-Floe-Signature-256": {
        "type": "string",
        "description": "sha256=<hex of HMAC-SHA256>; or the header of a forge",
    },
    "X-Floe-Delivery": {
        "type": "string",
        "description": "new for each event; or the header of a forge",
    },
}

WHO: Final = dict.fromkeys(
    ("X-Floe-Host", "X-Floe-Store", "X-Floe-Process", "X-Floe-Version", "X-Floe-Protocol"), TEXT
)

MOMENT: Final = {
    "seq": {"type": "integer", "minimum": 1, "description": "the state after this event"},
}

ITEM: Final = {
    "item": {"type": "integer", "minimum": 0, "description": "of a node with items: its index"},
}

VISIT: Final = {
    "visit": {"type": "integer", "minimum": 1, "description": "of the node; default: the latest"},
}

OF_ITEM: Final = {**MOMENT, **ITEM, **VISIT}

EVENTS: Final = {
    "after": {"type": "integer", "minimum": 0, "default": 0, "description": "a `seq`"},
    "limit": {"type": "integer", "minimum": 1, "maximum": 500, "default": 500},
}

LOG: Final = {
    **ITEM,
    **VISIT,
    "attempt": {"type": "integer", "minimum": 1, "description": "default: the latest"},
    "offset": {"type": "integer", "minimum": 0, "default": 0},
    "limit": {"type": "integer", "minimum": 1, "default": logs.LIMIT},
    "follow": {"type": "boolean", "default": False, "description": "stream until the attempt ends"},
}

LINES: Final = {
    **ITEM,
    **VISIT,
    "attempt": LOG["attempt"],
    "from": {"type": "integer", "default": 1, "description": "negative: from the end"},
    "count": {"type": "integer", "minimum": 1, "maximum": logs.LINES_MAX},
}

FIND: Final = {
    **ITEM,
    **VISIT,
    "attempt": LOG["attempt"],
    "text": {"type": "string", "maxLength": logs.TEXT_MAX},
    "from": {"type": "integer", "minimum": 1, "default": 1, "description": "a line"},
}

STREAM: Final[Mapping[str, Mapping[str, Any]]] = {
    "after": {"type": "integer", "minimum": 0, "default": 0, "description": "of `store`"},
    "store": {"type": "string", "description": "for a different store, all events are sent"},
}

PLACE: Final[Mapping[str, Mapping[str, Any]]] = {
    "run": {"type": "string", "description": "its key, h1-12@k3f9"},
    "seq": {"type": "integer", "minimum": 1},
}

ROUTES: Final = (
    Route("GET", "flows", flows.index, answers={200: "Flows"}),
    Route("GET", "flows/{flow}", flows.show, answers={200: "FlowPage"}),
    Route("GET", "flows/{flow}/definition", flows.definition, answers={200: "Definition"}),
    Route("GET", "flows/{flow}/runs", runs.of_flow, query=PAGE, answers={200: "Runs"}),
    Route("GET", "flows/{flow}/runs/{run}", runs.show, query=MOMENT, answers={200: "Run"}),
    Route("GET", "runs", runs.index, query={"flow": TEXT, **PAGE}, answers={200: "Runs"}),
    Route("GET", "runs/{run}", runs.show, more=runs.known, query=MOMENT, answers={200: "Run"}),
    Route(
        "GET",
        "runs/{run}/events",
        events.index,
        more=events.page,
        query=EVENTS,
        answers={200: "Events"},
    ),
    Route("GET", "runs/{run}/nodes/{node}", runs.node, query=OF_ITEM, answers={200: "NodePage"}),
    Route(
        "GET",
        "runs/{run}/nodes/{node}/log",
        logs.show,
        query=LOG,
        headers=RANGE,
        answers={200: PLAIN, 206: PLAIN},
    ),
    Route(
        "GET", "runs/{run}/nodes/{node}/log/lines", logs.lines, query=LINES, answers={200: "Lines"}
    ),
    Route("GET", "runs/{run}/nodes/{node}/log/find", logs.find, query=FIND, answers={200: "Found"}),
    Route("GET", "runs/{run}/definition", runs.definition, answers={200: "Definition"}),
    Route("GET", "runs/{run}/notices", runs.notices, answers={200: "Notices"}),
    Route("GET", "runs/{run}/why", runs.why, lost=runs.why_lost, answers={200: "Why"}),
    Route(
        "POST",
        "runs/{run}/cancel",
        runs.cancel,
        headers=ONCE,
        body="Cancel",
        answers={202: "Summary"},
    ),
    Route(
        "POST",
        "runs/{run}/pass",
        passes.begin,
        headers=ONCE,
        body="Cancel",
        answers={202: "Summary"},
    ),
    Route("GET", "runs/{run}/acts", acts.index, answers={200: "Acts"}),
    Route(
        "POST",
        "runs/{run}/acts/{act}",
        acts.do,
        headers=ONCE,
        body="DoAct",
        answers={202: "Summary"},
    ),
    Route("GET", "runs/{run}/rerun", reruns.show, query=reruns.QUERY, answers={200: "RerunPlan"}),
    Route(
        "POST",
        "runs/{run}/rerun",
        reruns.start,
        headers=ONCE,
        body="Rerun",
        answers={200: "RerunPlan", 202: "Ordered"},
    ),
    Route("POST", "push/data", push.data, headers=ONCE, body="Order", answers={202: "Ordered"}),
    Route(
        "POST",
        "push/{flow}/{trigger}",
        webhooks.hook,
        public=True,
        headers=SIGNED,
        body="Payload",
        answers={200: "Hooked", 202: "Hooked"},
    ),
    Route("GET", CALLBACK, callbacks.show, public=True, answers={200: "OpenCall"}),
    Route(
        "POST",
        CALLBACK,
        callbacks.post,
        public=True,
        body="Payload",
        answers={200: "CallAnswered"},
    ),
    Route("GET", "hosts", hosts.index, answers={200: "Hosts"}),
    Route(
        "POST",
        "hosts/{host}/reload",
        hosts.at_named_host(hosts.reload),
        headers=ONCE,
        body="Nothing",
        answers={200: "Reloaded"},
    ),
    Route(
        "POST",
        "hosts/{host}/drain",
        hosts.at_named_host(hosts.drain),
        headers=ONCE,
        body="Drain",
        answers={200: "Drained"},
    ),
    Route(
        "POST",
        "hosts/{host}/forget",
        hosts.forget,
        headers=ONCE,
        body="Forget",
        answers={200: "Forgot"},
    ),
    Route(
        "POST",
        "hosts/{host}/prune",
        hosts.at_named_host(prunes.start),
        headers=ONCE,
        body="Prune",
        answers={202: "Pruned"},
    ),
    Route("GET", VAULT, secrets.index, answers={200: "Secrets"}),
    Route("POST", VAULT, secrets.put, headers=ONCE, body="SetSecret", answers={204: ""}),
    Route("POST", f"{VAULT}/rotate", secrets.rotate, headers=ONCE, answers={200: "RotatedKey"}),
    Route("DELETE", f"{VAULT}/{{name}}", secrets.remove, answers={204: ""}),
    Route("GET", "peer/ws", peers.serve, peer=True, headers=WHO, answers={101: ""}),
    Route(
        "GET",
        "peer/tokens",
        token_exchange.serve,
        peer=True,
        query={"after": {"type": "integer", "minimum": 0, "default": 0}, "process": TEXT},
        answers={200: "TokenChanges"},
    ),
    Route(
        "GET",
        "peer/rerun",
        reruns.of_child,
        peer=True,
        query={"run": TEXT, "by": TEXT},
        answers={200: "ChildRerun"},
    ),
    *DIALECT_PEER_ROUTES,
    *FLYTE_BOARD_ROUTES,
    Route("GET", "feed", stream.index, query=STREAM, answers={200: PLAIN}),
    Route("GET", "feed/place", stream.position, query=PLACE, answers={200: "Place"}),
    Route("GET", "leases", leases.index, answers={200: "Leases"}),
    Route("POST", "leases/free", leases.free, headers=ONCE, body="Free", answers={200: "Freed"}),
    Route("GET", "pends", pends.index, answers={200: "Pends"}),
    Route("GET", "forms", forms.index, answers={200: "Forms"}),
    Route("GET", "inbox", inbox.index, answers={200: "Inboxes"}),
    *FLYTE_PEOPLE_ROUTES,
    Route("GET", "tokens", personal_tokens.tokens, answers={200: "Tokens"}),
    Route("DELETE", "tokens/{token}", personal_tokens.revoke, answers={204: ""}),
    Route(
        "POST",
        "login",
        login.login,
        public=True,
        headers=ONCE,
        body="Login",
        answers={200: "LoggedIn"},
    ),
    Route("GET", "login", login.who, answers={200: "User"}),
    Route("POST", "logout", login.logout, headers=ONCE, answers={204: ""}),
    Route("GET", "healthz", health.live, public=True, answers={200: "Health"}),
    Route("GET", "readyz", health.ready, public=True, answers={200: "Health", 503: "Health"}),
    Route("GET", "metrics", metrics.index, answers={200: PLAIN}),
    Route("GET", "openapi.json", openapi.show, answers={200: "OpenApi"}),
    Route(
        "GET",
        "/ws",
        feed.serve,
        query={"after": TEXT, "page": TEXT},
        answers={101: ""},
        sends="Frame",
        accepts="FeedRequest",
    ),
    Route("GET", "/", static.home, public=True, answers={302: ""}),
    Route("GET", "/app", static.home, public=True, answers={302: ""}),
    Route("GET", "/app/", static.home, public=True, answers={302: ""}),
    Route("GET", "/app/dash", static.page, public=True, answers={200: HTML}),
    Route("GET", "/app/dash/{page:.*}", static.page, public=True, answers={200: HTML}),
    Route("GET", "/app/{name:.+}", static.file, public=True, answers={200: ANYTHING}),
)
"""In the order of matching."""
