"""The feed of a host as a program hears it, and flows whose commands wait for the test."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.acceptance.product import DEADLINE_S, TOKEN, Host, Shape
from tests.schemas import check

WAITING: Final = """
  - name: west
    host-tags: [west]
    triggers: [{name: start, type: data}]
    tasks:
      - name: say
        type: exec
        listen: trigger.good
        opts:
          shell: |
            echo "first on $FLOE_HOST"
            until [ -e "$HERE/go" ]; do sleep 0.02; done
            echo second
      - name: sign
        type: data
        listen: task.say.good
        opts: {form: {title: May it?, fields: [{id: remark, prompt: Why?, required: false}]}}
      - {name: ship, type: exec, listen: task.sign.good, opts: {cmd: echo shipped}}
      - {name: done, type: end, listen: task.ship.good}
      - {name: refused, type: end, listen: task.sign.bad}
"""
"""A flow for a host with the tag `west`; its first command waits for a file in `$HERE`."""


class Watcher:
    """Somebody on the feed of a host. Attribute: `frames` that came, in order."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.frames: list[Shape] = []

    def watch(self, run: str, node: str) -> None:
        """Ask for a node's output."""
        request = check({"watch": {"run": run, "node": node}}, "FeedRequest")
        self._socket.send(json.dumps(request))

    def until(self, fact: Callable[[Shape], bool], what: str) -> Shape:
        """Wait for a frame; one that came before counts."""
        deadline = time.monotonic() + DEADLINE_S
        for frame in self.frames:
            if fact(frame):
                return frame
        while True:
            left = deadline - time.monotonic()
            assert left > 0, f"{what}: not among {self.frames}"
            try:
                self.frames.append(check(json.loads(self._socket.recv(timeout=left)), "Frame"))
            except TimeoutError:
                continue
            if fact(self.frames[-1]):
                return self.frames[-1]

    def output(self) -> str:
        """All output that came."""
        return "".join(frame["text"] for frame in self.frames if frame["type"] == "output")

    def until_printed(self, text: str) -> None:
        """Wait for output."""
        self.until(lambda _: text in self.output(), f"output with {text!r}")

    def until_event(self, run: str, event: str) -> Shape:
        """Wait for a fact of a run."""
        return self.until(lambda f: f.get("run") == run and f.get("event") == event, event)


@contextmanager
def watching(host: Host) -> Iterator[Watcher]:
    """Hear a host's feed for a while."""
    with connect(
        f"ws://{host.address}/ws",
        origin=Origin(f"http://{host.address}"),
        additional_headers={"X-Floe-Auth": TOKEN},
        open_timeout=DEADLINE_S,
    ) as socket:
        watcher = Watcher(socket)
        watcher.until(lambda frame: frame["type"] == "hello", "hello")
        yield watcher
