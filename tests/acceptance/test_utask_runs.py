"""Tasks that are created, resolved and run over HTTP at a real host, as they were in uTask."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest

from tests import recorded
from tests.acceptance.product import until
from tests.acceptance.utask import UtaskHost
from tests.utask_names import Names

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

RUNS: Final = "utask/vectors/runs.json"
UPSTREAM: Final = "utask/vectors/runs-upstream.json"
TEMPLATES: Final = "utask/templates"
FUNCTIONS: Final = "utask/functions"

GOS_WORDS: Final = (
    *("strconv", "failed to", "prehook: failed", "I[#]", "unable to", "json: ", "Templating error"),
    *("invalid character", "m {{.input.s.bad}} (TEMPLATING ERROR", "exit code: -1"),
)
"""How errors begin in which the words of Go are."""

GROUPS: Final = ("task-data",)
"""Cases with the groups of users, which floe does not know yet."""

ZERO: Final = "0001-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UtaskHost]:
    """One host with the templates of all cases of uTask's API."""
    runs = recorded.document(RUNS)
    texts = [*runs.get("child_templates", ())]
    functions = dict[str, str]()
    for case in runs.get("cases", ()):
        texts += case["templates"]
        functions |= {_name(text): text for text in case.get("functions") or ()}
    items = runs.get("settings", {}).get("other items", {})
    with _started(
        tmp_path_factory.mktemp("utask"), {_name(text): text for text in texts}, functions, items
    ) as made:
        yield made


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UtaskHost]:
    """One host with uTask's own templates, some of which have mistakes on purpose."""
    folders = (recorded.FOLDER / TEMPLATES, recorded.FOLDER / FUNCTIONS)
    templates, functions = (
        {path.stem: path.read_text("utf-8").replace("\t", "  ") for path in one.glob("*.yaml")}
        for one in folders
    )
    with _started(tmp_path_factory.mktemp("utask"), templates, functions, {}) as made:
        yield made


@contextmanager
def _started(
    folder: Path,
    templates: Mapping[str, str],
    functions: Mapping[str, str],
    items: Mapping[str, Any],
) -> Iterator[UtaskHost]:
    made = UtaskHost(folder, templates, functions, items)
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("case", recorded.cases(RUNS))
def test_task_runs_over_http_as_in_utask(host: UtaskHost, case: dict[str, Any]) -> None:
    assert [*unlike(host, case)] == []


if recorded.document(UPSTREAM):  # floe has no copies of uTask's files

    @pytest.mark.parametrize("case", recorded.cases(UPSTREAM))
    def test_task_of_utasks_own_tests_runs_over_http(
        upstream: UtaskHost, case: dict[str, Any]
    ) -> None:
        assert [*unlike(upstream, case)] == []


def unlike(host: UtaskHost, case: Mapping[str, Any]) -> Iterator[str]:
    """What is not as in uTask when a case is run."""
    created, names = case["result"]["create"], Names()
    made = host.ask("POST", "/task", case["create"])
    if made.status != created["status"]:
        yield f"status {made.status}: {made.body}"
        return
    if made.status >= 300:
        return
    wanted = {name: created.get(name) for name in ("title", "tags") if name in created}
    yield from names.unlike(wanted, made.body, "create", whole=False)
    defects = {"a": "groups"} if case["id"] in GROUPS else case.get("defects", {})
    names.known["task"] = task = made.body["id"]
    seen_after = case["result"]["then"]
    for number, seen in enumerate(seen_after):
        if any(later["do"]["do"] == "wait" for later in seen_after[number + 1 :]):
            _operate(host, task, seen)  # the task goes on meanwhile: in uTask it waits for a timer
            continue
        yield from _unlike_after(host, task, names, seen, defects, f"{number}")


def _unlike_after(
    host: UtaskHost,
    task: str,
    names: Names,
    seen: Mapping[str, Any],
    defects: Mapping[str, str],
    at: str,
) -> Iterator[str]:
    """What is not as in uTask after one more operation."""
    if (status := _operate(host, task, seen)) and status != seen["status"]:
        yield f"{at}: status {status}"
    shown = host.ask("GET", f"/task/{task}").body
    names.known["resolution"] = shown["resolution"]
    resolution = host.rested(shown["resolution"])
    yield from _unlike_steps(names, seen["steps"], resolution["steps"], defects, at)
    if not defects:
        shown = host.ask("GET", f"/task/{task}").body
        yield from _unlike_task(names, seen, shown, resolution, at)


def _operate(host: UtaskHost, task: str, seen: Mapping[str, Any]) -> int:
    """Do what the case says; the status of the answer, 0 for no call."""
    shown = host.ask("GET", f"/task/{task}").body
    match seen["do"]["do"]:
        case "resolve" if "resolution" not in shown:
            asked = {"task_id": task, "resolver_inputs": seen["do"].get("resolver_inputs", {})}
            return host.ask("POST", "/resolution", asked).status
        case "run" | "extend" as act:
            return host.ask("POST", f"/resolution/{shown['resolution']}/{act}").status
        case "wait":
            state = seen["do"]["state"]
            until(lambda: host.ask("GET", f"/task/{task}").body["state"] == state, state)
        case _:
            pass
    return 0


def _unlike_steps(
    names: Names,
    wanted: Mapping[str, Any],
    found: Mapping[str, Any],
    defects: Mapping[str, str],
    at: str,
) -> Iterator[str]:
    if wanted.keys() != found.keys():
        yield f"{at}: steps {[*found]}"
    for name in wanted.keys() & found.keys() - defects.keys():
        ours, theirs = _filled(found[name], SHOWN), _filled(wanted[name], SHOWN)
        if str(theirs.get("error", "")).startswith(GOS_WORDS):
            if not ours.pop("error", ""):
                yield f"{at}: {name} has no error"
            theirs.pop("error")
        yield from names.unlike(theirs, ours, f"{at}: {name}", whole=True)


def _unlike_task(
    names: Names,
    seen: Mapping[str, Any],
    task: Mapping[str, Any],
    resolution: Mapping[str, Any],
    at: str,
) -> Iterator[str]:
    wanted = dict(seen["task"])
    errors = wanted.pop("errors", [])
    if wanted["state"] != "DONE":
        wanted.pop("result", None)
    if _sorted(errors) != _sorted(task.get("errors", [])):
        yield f"{at}: errors {task.get('errors')}, not {errors}"
    yield from names.unlike(wanted, task, f"{at}: task", whole=False)
    states = {key: seen["resolution"][key] for key in ("state", "run_count", "run_max")}
    yield from names.unlike(states, resolution, f"{at}: resolution", whole=False)
    after = seen["resolution"].get("next_retry_after_s")
    due = resolution.get("next_retry", ZERO)
    if after == "zero" and due != ZERO:
        yield f"{at}: next_retry {due}"
    elif isinstance(after, int | float):
        delay = _instant(due) - _instant(resolution["last_stop"])
        if abs(delay - after) > 0.5:
            yield f"{at}: next_retry after {delay} s, not {after}"


SHOWN: Final = (
    *("state", "output", "metadata", "error", "try_count", "children", "children_steps"),
    *("item", "tags"),
)


TIMES: Final = ("execution_time",)
"""Metadata that differ in each run."""


def _filled(step: Mapping[str, Any], members: tuple[str, ...]) -> dict[str, Any]:
    found = {name: step.get(name) for name in members}
    if isinstance(found["metadata"], dict):
        found["metadata"] = {key: one for key, one in found["metadata"].items() if key not in TIMES}
    return {name: one for name, one in found.items() if one not in (None, "", 0, [], {})}


def _sorted(errors: list[dict[str, str]]) -> list[str]:
    return sorted(json.dumps(one, sort_keys=True) for one in errors)


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _name(text: str) -> str:
    found = re.match(r"name: *(\S+)", text)
    assert found is not None
    return found[1]
