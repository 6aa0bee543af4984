"""A process of a pack, for tests that kill it: it takes actions and sends their results for ever.

It behaves as flyte's client of one generation, and its requests go to one of several hosts, by
chance, as through a load balancer. Its journal has a line for what it got and what it was told.

    python -m tests.acceptance.flyte_pack NAME GENERATION JOURNAL SEED ROOT...
"""

import json
import os
import sys
import time
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.acceptance.product import TOKEN
from tests.flyte_clients import GoClient, OldGoClient, PackClient, PackStopped, PythonClient

GENERATIONS: Final[dict[str, type[PackClient]]] = {
    "old": OldGoClient,
    "new": GoClient,
    "python": PythonClient,
}
POLL_S: Final = 0.1
RESULTS: Final = {"Do": "Done", "Then": "Finished"}
PACK: Final = {"commands": [{"name": one, "events": None} for one in RESULTS], "events": None}

# What a client meets while hosts are killed: no connection, half an answer, a status.
FAULTS: Final = (OSError, ValueError, KeyError, PackStopped)


class Pack:
    """The process."""

    def __init__(self, name: str, generation: str, journal: Path, seed: int, roots: list[str]):
        self._name, self._roots, self._random = name, roots, Random(seed)
        self._generation = GENERATIONS[generation]
        self._journal = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def work(self) -> int:
        """Register, then take actions until this process is not wanted any more."""
        self._note("start")
        take = self._registered()
        while True:
            status, body = self._ask(take, b"null")
            if status == 404:
                self._note("exit", 404)
                return 1
            if status != 200:
                time.sleep(POLL_S)
                continue
            self._carry_out(json.loads(body))

    def _carry_out(self, action: dict[str, Any]) -> None:
        [link] = action["links"]
        id = link["href"].split("/")[-2]
        self._note("take", id, action["command"], action["input"])
        time.sleep(self._random.choice((0, 0, 0.02)))
        event = {"event": RESULTS[action["command"]], "payload": action["input"]}
        status, _ = self._ask(link["href"], json.dumps(event).encode())
        self._note("result", id, status)

    def _registered(self) -> str:
        """The link by which actions are taken; registers until that works."""
        while True:
            client = self._generation(self._random.choice(self._roots), token=TOKEN)
            try:
                client.start({"name": self._name, **PACK})
            except FAULTS:
                time.sleep(POLL_S)
            else:
                return client.take

    def _ask(self, url: str, body: bytes) -> tuple[int, bytes]:
        """Status and body by one of the hosts; status 0 where there is no answer."""
        root = self._random.choice(self._roots)
        client = self._generation(root, token=TOKEN)
        try:
            kind = {"Content-Type": client.posted_as}
            path = url.partition("/v1/")[2]
            status, _, answer = client.ask("POST", f"{root}/v1/{path}", body, **kind)
        except OSError:
            return 0, b""
        return status, answer

    def _note(self, *words: object) -> None:
        os.write(self._journal, (" ".join(map(str, words)) + "\n").encode())


if __name__ == "__main__":
    name, generation, journal, seed, *roots = sys.argv[1:]
    sys.exit(Pack(name, generation, Path(journal), int(seed), roots).work())
