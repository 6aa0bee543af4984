"""The routes by which people look at packs and flows of flyte, below floe's own API."""

from typing import Final

from floe.server.flyte import board, flow_board
from floe.server.route import Route

FLYTE_BOARD_ROUTES: Final = (
    Route("GET", "flyte/packs", board.packs, answers={200: "FlytePacks"}),
    Route("DELETE", "flyte/packs/{pack:[^/]+}", board.remove, answers={204: ""}),
    Route("GET", "flyte/flows", flow_board.index, answers={200: "FlyteFlows"}),
    Route("GET", "flyte/flows/{flow}", flow_board.show, answers={200: "FlyteFlowPage"}),
)
