"""One session with uTask's API, as its own server answered it, with a real host."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.acceptance.utask import Answer, UtaskHost
from tests.recorded import document
from tests.utask_names import Names

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

RECORDED: Final = "utask/vectors/api.json"

REFUSED: Final = frozenset((43, 63, 83, 91, 115))
"""Calls that uTask refuses by the role of their user, with answers that are kept elsewhere. As each
user is an administrator so far, neither these are made nor those whose refusal is recorded."""

ROLES: Final = frozenset((2, 31, 54, 138, 144, 148, 149, 156))
"""Calls whose answers depend on the role or the groups of their user."""

OTHERWISE: Final = frozenset((124, 162))
"""Calls that floe answers otherwise: a task that is over is not changed, and a task that resolves
itself begins at once."""

SAVED: Final = re.compile(r"\{([A-Z][A-Z0-9a-z]*)\}")


class Session:
    """The calls so far, and what they saved."""

    def __init__(self, host: UtaskHost) -> None:
        self.host = host
        self.names = Names()
        self.differences: dict[int, str] = {}
        self.compared = 0

    def call(self, given: dict[str, Any]) -> None:
        """Make a call, and compare the answer unless it is kept elsewhere."""
        n, is_known = given["n"], given["user"] not in (None, "nobody")
        if n in REFUSED or (is_known and given.get("status") in (401, 403)):
            return
        body = given.get("raw_body", given.get("body"))
        if isinstance(body, dict) and "repeat_y" in body:
            body = body["text"].replace("…", "y" * body["repeat_y"])
        method, path = given["method"], self.written(given["path"])
        answer = self.host.ask(
            method,
            path,
            self.written(body),
            user=given["user"],
            headers=given.get("headers"),
        )
        for name, member in given.get("save", {}).items():
            self.names.known[name] = str(_member(answer.body, member))
        if not given.get("held") and n not in ROLES | OTHERWISE:
            self.compared += 1
            if found := [*self._unlike(given, answer)]:
                self.differences[n] = f"{method} {given['path']}: {found}"
        self._wait(given, answer)

    def written(self, value: Any) -> Any:
        """A value with the saved values in place of their names."""
        if isinstance(value, str):
            return SAVED.sub(lambda found: self.names.known.get(found[1], found[0]), value)
        if isinstance(value, dict):
            return {key: self.written(one) for key, one in value.items()}
        return [self.written(one) for one in value] if isinstance(value, list) else value

    def _wait(self, given: dict[str, Any], answer: Answer) -> None:
        """Wait until a resolution that began is at rest."""
        if answer.status >= 300:
            return
        for name in given.get("save", {}):
            if name.startswith("R") and name != "RD":
                self.host.rested(self.names.known[name])
        if given["path"].startswith("/unsecured/callback/"):
            self.host.rested(self.names.known["R9"])
        if given["path"].endswith("/run"):
            self.host.rested(self.written(given["path"]).split("/")[2])

    def _unlike(self, given: dict[str, Any], answer: Answer) -> Iterator[str]:
        if answer.status != given["status"]:
            yield f"status {answer.status}, not {given['status']}: {str(answer.body)[:200]}"
            return
        for name, value in given.get("response_headers", {}).items():
            if not self.names.is_same(value, found := answer.headers.get(name.lower())):
                yield f"{name}: {found!r}, not {value!r}"
        response = given.get("response")
        if isinstance(response, dict) and "error" in response:
            if not answer.body["error"]:
                yield "no error"
        elif "response" in given:
            yield from self.names.unlike(response, answer.body, whole=True)
        if "response_subset" in given:
            yield from self.names.unlike(given["response_subset"], answer.body, whole=False)


def _member(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def test_session_is_answered_as_utask_answers_it(tmp_path: Path) -> None:
    recorded = document(RECORDED)
    host = UtaskHost(tmp_path, recorded["templates"])
    session = Session(host)
    try:
        host.start()
        for given in recorded["requests"]:
            session.call(given)
    finally:
        host.close()

    assert session.differences == {}
    assert session.compared == 125
