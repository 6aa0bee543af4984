"""The host that is fuzzed: with runs of every state, forms, tokens and a signed trigger."""

import http.client
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.acceptance.people import hosted
from tests.acceptance.product import TOKEN, Host
from tests.fuzz.exchange import Answer, exchange
from tests.fuzz.requests import ADDRESS, ADMIN, CLUSTER, PERSONAL, PUSH_SECRET, SESSION, Sent

CONFIG: Final = r"""
trusted-proxies: [127.0.0.0/9]
flows:
  - id: say
    triggers:
      - id: start
        type: data
        opts:
          form:
            fields:
              - {id: text, required: false}
              - {id: count, type: number, required: false}
    tasks:
      - {id: say, type: exec, listen: trigger.good, opts: {cmd: seq 1000}}
  - id: fail
    triggers: [{id: start, type: data}]
    tasks:
      - {id: say, type: exec, listen: trigger.good, opts: {cmd: "false"}}
  - id: slow
    triggers: [{id: start, type: data}]
    tasks:
      - {id: slow, type: exec, listen: trigger.good, opts: {shell: "echo begin; sleep 100000"}}
  - id: loud
    triggers: [{id: start, type: data}]
    tasks:
      - id: loud
        type: exec
        listen: trigger.good
        opts:
          shell: |
            for i in $(seq 20000); do printf '\033[3%dm%s\033[0m ' $((i % 8)) "$i"; done; echo
            printf '\033[1;31m\033[38;5;%dm' 1 2 3; head -c 3000000 /dev/zero | tr '\0' a
            printf '\n\377\376\0\033]0;title\007\n'
  - id: ask
    triggers: [{id: start, type: data}]
    tasks:
      - id: ask
        type: data
        listen: trigger.good
        opts:
          form:
            fields:
              - {id: text}
              - {id: whole, type: number}
              - {id: sure, type: bool}
              - {id: which, type: choice, choices: [one, two]}
  - id: hook
    triggers: [{id: push, type: push, opts: {secret: "@$HERE/secret"}}]
    tasks:
      - {id: say, type: exec, listen: trigger.good, opts: {cmd: "true"}}
"""

OPEN_MAX: Final = 12
"""Runs that stay open between two rounds."""

TOKENS_MAX: Final = 50
"""Personal tokens that stay, likewise."""

LOOK_S: Final = 0.1


class Target:
    """A host and its credentials."""

    def __init__(self, host: Host) -> None:
        self.host = host
        name, _, port = host.address.partition(":")
        self.at = (name, int(port))
        self._login()
        self.api: dict[str, Any] = host.api.get("openapi.json")

    def _login(self) -> None:
        post = self.host.api.post
        self._personal = str(post("login", {"token": TOKEN, "personal": "fuzz"})["token"]).encode()
        self._session = str(post("login", {"token": TOKEN})["token"]).encode()

    def ask(self, sent: Sent, source: str) -> Answer:
        """What the host answers."""
        head = sent.head.replace(PERSONAL, self._personal).replace(SESSION, self._session)
        head = head.replace(ADDRESS, self.host.address.encode())
        return exchange(self.at, source, Sent(head, sent.body, sent.is_whole, sent.is_stream))

    def tidy(self) -> None:
        """Make things again as they were, more or less, before the next round."""
        api = self.host.api
        api.close()  # it may have been closed for its silence
        api.post("hosts/h1/drain", {"on": False})
        open_ = api.get("runs", state="pending,active", limit=500)["runs"]
        for run in open_[: max(0, len(open_) - OPEN_MAX)]:
            api.post(f"runs/{run['id']}/cancel", {})
        if not any(run["flow"] == "slow" for run in open_):
            self.host.trigger("slow")
        if not any(run["flow"] == "ask" for run in open_):
            self.host.trigger("ask")
        tokens = api.get("tokens")["tokens"]
        for token in tokens[TOKENS_MAX:]:
            self._request("DELETE", f"tokens/{token['id']}", {"X-Floe-Auth": TOKEN})
        session = {"Cookie": f"floe-sesh={self._session.decode()}"}
        personal = {"X-Floe-Auth": self._personal.decode()}
        if not all(self._request("GET", "login", known) == 200 for known in (session, personal)):
            self._login()

    def _request(self, method: str, path: str, headers: Mapping[str, str]) -> int:
        with closing(http.client.HTTPConnection(self.host.address, timeout=60)) as connection:
            connection.request(method, f"/build/api/{path}", headers=headers)
            with connection.getresponse() as answer:
                return answer.status

    @property
    def memory(self) -> tuple[int, int]:
        """Bytes of the host's process, now and at most."""
        assert self.host.process is not None
        lines = Path(f"/proc/{self.host.process.pid}/status").read_text().splitlines()
        sizes = dict(line.split(":", 1) for line in lines)
        return tuple(int(sizes[key].split()[0]) * 1024 for key in ("VmRSS", "VmHWM"))  # type: ignore[return-value] # two of them

    @property
    def cpu_s(self) -> float:
        """Seconds of the processor that the host has had."""
        assert self.host.process is not None
        stat = Path(f"/proc/{self.host.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def new_lines(self, after: int) -> list[str]:
        """What the log has after a byte."""
        with self.host.log.open("rb") as file:
            file.seek(after)
            return file.read().decode(errors="replace").splitlines()


@contextmanager
def target(folder: Path) -> Iterator[Target]:
    """A host with something of everything."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "secret").write_bytes(PUSH_SECRET)
    assert TOKEN.encode() == ADMIN
    env = {"FLOE_CLUSTER_TOKEN": CLUSTER.decode(), "FLOE_HOST_NAME": "h1"}
    with hosted(folder, CONFIG, env) as host:
        done = [host.trigger(flow) for flow in ("say", "fail", "loud")]
        for run in done:
            host.until_over(run)
        host.trigger("slow")
        host.trigger("ask")
        yield Target(host)


class Health:
    """Asks a host all the time whether it lives."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.slowest_s = 0.0
        self.wrong: list[str] = []

    def _watch(self) -> None:
        while not self._is_over.is_set():
            began = time.monotonic()
            try:
                with closing(http.client.HTTPConnection(self._address, timeout=60)) as connection:
                    connection.request("GET", "/build/api/healthz")
                    with connection.getresponse() as answer:
                        ok = json.load(answer)["ok"]
            except (OSError, ValueError) as error:
                ok, self.wrong = False, [*self.wrong, repr(error)]
            if not ok:
                self.wrong.append("healthz says no")
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)
            self._is_over.wait(LOOK_S)

    def __enter__(self) -> "Health":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()


def source_of(rng: Random) -> str:
    """An address of this machine that a stranger comes from; of half of them, a trusted proxy's."""
    return f"127.{rng.randrange(1, 255)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"
