"""A process of a pack for tests, which dies or waits at a named point of the exchange.

It says on its standard output that it waits, and goes on after a line of its standard input. Each
start of a handler is a line of the file NAME.begun.

    python -m tests.acceptance.crash_pack NAME POINT kill|wait|live fatal|repeat
"""

import os
import signal
import sys
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from floe.packs import Pack, PackSettings
from floe.packs.commands import IfInterrupted
from floe.packs.journal import Journal
from floe.packs.wire import FlyteServer, TakenAction

POINTS: Final = (
    "before the take",
    "the take is sent",
    "the take is answered",
    "the action is kept",
    "in the handler",
    "the handler is over",
    "the result is kept",
    "the result is sent",
    "the result is answered",
    "the result is forgotten",
)


class CrashPack:
    """The process."""

    def __init__(self, name: str, point: str, act: str, if_interrupted: IfInterrupted) -> None:
        self._name, self._point, self._act = name, point, act
        self._pack = Pack(name)
        self._pack.command("Do", "Done", if_interrupted=if_interrupted)(self._do)

    def run(self) -> None:
        """Run the pack, with its journal in the working folder."""
        url = PackSettings.from_environment().url
        settings = PackSettings(
            url, poll_s=0.1, pause_max_s=0.1, health_bind="", journal=f"{self._name}.journal"
        )
        with (
            patch.object(FlyteServer, "take", self._take(FlyteServer.take)),
            patch.object(FlyteServer, "send", self._after(FlyteServer.send, POINTS[8])),
            patch.object(Journal, "took", self._after(Journal.took, POINTS[3])),
            patch.object(Journal, "ended", self._ended(Journal.ended)),
            patch.object(Journal, "delivered", self._after(Journal.delivered, POINTS[9])),
            patch.object(HTTPConnection, "putrequest", _note_path(HTTPConnection.putrequest)),
            patch.object(HTTPConnection, "getresponse", self._sent(HTTPConnection.getresponse)),
        ):
            self._pack.run(settings)

    def _pass(self, point: str) -> None:
        if point != self._point:
            return
        if self._act == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self._act == "wait":
            self._act = "live"
            os.write(1, b"waits\n")
            sys.stdin.readline()

    def _do(self, text: str) -> str:
        with Path(f"{self._name}.begun").open("a") as file:
            file.write(f"{text}\n")
        self._pass(POINTS[4])
        return text

    def _take(self, real: Any) -> Any:
        async def take(*arguments: Any, **more: Any) -> TakenAction | None:
            self._pass(POINTS[0])
            action: TakenAction | None = await real(*arguments, **more)
            if action is not None:
                self._pass(POINTS[2])
            return action

        return take

    def _ended(self, real: Any) -> Any:
        async def ended(*arguments: Any) -> None:
            self._pass(POINTS[5])
            await real(*arguments)
            self._pass(POINTS[6])

        return ended

    def _after(self, real: Any, point: str) -> Any:
        async def call(*arguments: Any, **more: Any) -> Any:
            result = await real(*arguments, **more)
            self._pass(point)
            return result

        return call

    def _sent(self, real: Any) -> Any:
        def getresponse(connection: HTTPConnection) -> HTTPResponse:
            path = vars(connection)["path"]
            points = {"/take": POINTS[1], "/result": POINTS[7]}
            self._pass(next((one for end, one in points.items() if path.endswith(end)), ""))
            response: HTTPResponse = real(connection)
            return response

        return getresponse


def _note_path(real: Any) -> Any:
    def putrequest(connection: HTTPConnection, method: str, url: str, **more: Any) -> None:
        vars(connection)["path"] = url
        real(connection, method, url, **more)

    return putrequest


if __name__ == "__main__":
    name, point, act, if_interrupted = sys.argv[1:]
    CrashPack(name, point, act, if_interrupted).run()  # type: ignore[arg-type]
