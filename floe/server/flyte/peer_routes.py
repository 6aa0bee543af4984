"""The routes of flyte by which a host asks a different one."""

from typing import Final

from floe.server.flyte import audit, copies, results
from floe.server.json_schema import TEXT
from floe.server.route import Route

ANYTHING: Final = "*/*"

FLYTE_PEER_ROUTES: Final = (
    Route(
        "PUT",
        results.PATH,
        results.serve,
        peer=True,
        query={"action": TEXT},
        body="Payload",
        answers={200: ANYTHING},
    ),
    Route("PUT", copies.PATH, copies.serve, peer=True, answers={200: ANYTHING}),
    Route("GET", audit.PATH, audit.serve, peer=True, query={"run": TEXT}, answers={200: ANYTHING}),
)
