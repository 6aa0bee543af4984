"""One session with uTask's API, as its own server answered it, with a real host."""

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.acceptance.utask import Answer, UtaskHost
from tests.recorded import counted, document
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

    def call(self, given: dict[str, Any]) -> None:
        """Make a call, and compare the answer unless it is kept elsewhere."""
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
        if not given.get("held") and (found := [*self._unlike(given, answer)]):
            self.differences[given["n"]] = "; ".join(found)
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


def is_made(given: dict[str, Any]) -> bool:
    """Whether a call is made: those are not that uTask refuses by the role of their user."""
    is_known = given["user"] not in (None, "nobody")
    return given["n"] not in REFUSED and not (is_known and given.get("status") in (401, 403))


def compared() -> list[tuple[str, int]]:
    """The calls whose answers are compared."""
    return [
        (f"{given['n']} {given['method']} {given['path']}", given["n"])
        for given in document(RECORDED).get("requests", ())
        if is_made(given) and not given.get("held") and given["n"] not in ROLES | OTHERWISE
    ]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """All calls, made in order at one host."""
    recorded = document(RECORDED)
    host = UtaskHost(tmp_path_factory.mktemp("utask"), recorded["templates"])
    made = Session(host)
    try:
        host.start()
        for given in filter(is_made, recorded["requests"]):
            made.call(given)
        yield made
    finally:
        host.close()


@pytest.mark.parametrize("n", counted(RECORDED, compared()))
def test_call_is_answered_as_utask_answers_it(session: Session, n: int) -> None:
    assert session.differences.get(n) is None
