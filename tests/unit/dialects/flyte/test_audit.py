"""A run as lists and the audit of flyte show it."""

from typing import Any

from floe.dialects.flyte.audit import shown_run
from floe.dialects.flyte.rows import FlyteRows, facet_key
from floe.model.facet import aligned
from tests.unit.dialects.flyte.runs import AT, UUID, Correlation, a_flow_of, a_step, an_event

STEPS = (
    a_step("a", input={"x": 1.0}, context={"who": "ann"}, command={"packLabels": {"a=b": "c"}}),
    a_step("b", ["a"], event="Done", pack="Q"),
)
ZERO = "0001-01-01T00:00:00Z"


def a_correlation() -> Correlation:
    """A run whose first action is over, and whose second is offered."""
    at = Correlation(a_flow_of(*STEPS, uuid=UUID), an_event(payload="p", env="dev"))
    at.complete("s0", an_event("Done", "ok", "Q"))
    return at


def shown(at: Correlation) -> Any:
    return shown_run(at.run, lambda step: "run" if step is None else f"action {step}")


def test_run_is_shown_with_the_version_of_its_flow() -> None:
    found = shown(a_correlation())

    assert (found["name"], found["uuid"], found["correlationId"]) == ("f", UUID, "run")
    assert [step["id"] for step in found["steps"]] == ["a", "b"]
    assert list(found["actions"]) == ["a", "b"]


def test_finished_action_is_shown_with_its_states_and_events() -> None:
    action = shown(a_correlation())["actions"]["a"]
    times = [state["time"][11:] for state in action["states"]]

    assert [state["value"] for state in action["states"]] == ["NEW", "PENDING", "SUCCESS"]
    assert times == sorted(times)
    assert action["state"] == action["states"][-1]
    assert (action["id"], action["name"], action["packName"]) == ("action 0", "C", "Q")
    assert (action["packLabels"], action["context"], action["input"]) == (
        {"a=b": "c"},
        {"who": "ann"},
        {"x": 1.0},
    )
    assert action["trigger"] == {
        "event": "E",
        "pack": {"id": "P.env.dev", "name": "P", "labels": {"env": "dev"}},
        "payload": "p",
        "createdAt": AT,
        "receivedAt": AT,
    }
    assert (action["result"]["event"], action["result"]["payload"]) == ("Done", "ok")


def test_open_action_is_shown_with_the_event_that_made_it_and_an_empty_result() -> None:
    action = shown(a_correlation())["actions"]["b"]

    assert (action["state"]["value"], action["trigger"]["event"]) == ("NEW", "Done")
    assert action["result"] == {
        "event": "",
        "pack": {"id": "", "name": ""},
        "createdAt": ZERO,
        "receivedAt": ZERO,
    }
    assert "packLabels" not in action


def test_rows_have_the_facets_of_each_action_and_the_count_of_states() -> None:
    rows, run = FlyteRows(), a_correlation().run
    facets = aligned(rows.facets(run))
    first = {(one.kind, one.key) for one in facets if one.row == 1}

    assert rows.label(run) == "NEW 1, SUCCESS 1"
    assert first == {
        ("flyte", "action"),
        ("flyte.flow", "f"),
        ("flyte.step", "a"),
        ("flyte.command", "C"),
        ("flyte.pack", "Q"),
        ("flyte.label", "a%3Db=c"),
    }
    assert len({one.at for one in facets}) == 2


def test_long_name_has_a_key_of_bounded_length() -> None:
    keys = {facet_key("x" * count) for count in (79, 80, 81, 10_000)}

    assert (len(keys), max(map(len, keys))) == (4, 80)
