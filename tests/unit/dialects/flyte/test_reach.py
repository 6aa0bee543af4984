"""Which steps of a flow of flyte can fire, and what packs have to do with them."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from floe.dialects.flyte.flow import AwaitedEvent, FlyteCommand, FlyteFlow, FlyteStep
from floe.dialects.flyte.known import known_server
from floe.dialects.flyte.reach import ROUNDS_MAX, FlowReach, step_doubts

PACKS: Final[list[Mapping[str, Any]]] = [
    {
        "name": "Slack",
        "labels": {"env": "prod"},
        "commands": [{"name": "Send", "events": ["Sent"]}],
        "events": [{"name": "Received"}],
    },
    {"name": "Jira", "commands": [{"name": "Create", "events": ["Created"]}]},
    {"name": "Quiet", "commands": [{"name": "Run", "events": None}]},
]


def a_step(id: str, event: str, command: str, *parents: str, **more: Any) -> FlyteStep:
    """A step of `Pack/Event` and `Pack/Command`."""
    (sender, name), (taker, asked) = event.split("/"), command.split("/")
    return FlyteStep(
        id=id,
        depends_on=parents,
        event=AwaitedEvent(name=name, pack_name=sender, pack_labels=more.pop("event_labels", {})),
        command=FlyteCommand(name=asked, pack_name=taker, pack_labels=more.pop("labels", {})),
        **more,
    )


def said(*steps: FlyteStep, packs: list[Mapping[str, Any]] | None = None) -> list[str]:
    known = None if packs is None else known_server(packs)
    return [doubt.what for doubt in step_doubts(FlyteFlow(name="f", steps=steps), known)]


FIRST = a_step("first", "Slack/Received", "Jira/Create")
SECOND = a_step("second", "Jira/Created", "Slack/Send", "first")


@pytest.mark.parametrize("packs", [None, PACKS])
def test_flow_whose_steps_follow_one_another_has_no_doubt(packs: Any) -> None:
    assert said(SECOND, FIRST, packs=packs) == []


def test_step_below_a_step_that_never_fires_never_fires() -> None:
    lost = a_step("lost", "Jira/Created", "Slack/Send", "nobody")
    below = a_step("below", "Slack/Sent", "Slack/Send", "lost")

    assert FlowReach(FlyteFlow(name="f", steps=(FIRST, lost, below))).firing() == {0}
    assert said(FIRST, lost, below) == [
        "no step has the id `nobody`: the step never fires",
        "the step never fires: none of these ever does",
    ]


def test_steps_that_wait_for_one_another_never_fire() -> None:
    one = a_step("one", "Slack/Sent", "Slack/Send", "two")
    two = a_step("two", "Slack/Sent", "Slack/Send", "one")

    assert said(one, two) == ["the step never fires: none of these ever does"] * 2


def test_step_with_parents_sees_no_event_of_outside() -> None:
    door = a_step("door", "Door/Opened", "Slack/Send", "first")

    [what] = said(FIRST, door)

    assert "no step of this flow has a command whose result is `Opened` of pack `Door`" in what


def test_result_that_no_command_has_is_said_where_packs_are_known() -> None:
    odd = a_step("odd", "Jira/Closed", "Slack/Send", "first")

    assert said(FIRST, odd) == []
    assert [what[:40] for what in said(FIRST, odd, packs=PACKS)] == [
        "no step of this flow has a command whose",
        "no pack `Jira` says that it sends `Close",
    ]


def test_failure_of_any_command_is_an_event() -> None:
    failed = a_step("failed", "Jira/FATAL", "Slack/Send", "first")
    anywhere = a_step("anywhere", "Slack/FATAL", "Quiet/Run")

    assert said(FIRST, failed, anywhere, packs=PACKS) == []


def test_command_that_says_nothing_of_its_events_may_have_any() -> None:
    run = a_step("run", "Slack/Received", "Quiet/Run")
    after = a_step("after", "Quiet/Done", "Slack/Send", "run")

    assert said(run, after, packs=PACKS) == ["no pack `Quiet` says that it sends `Done`"]


@pytest.mark.parametrize(
    ("step", "what"),
    [
        (
            a_step("a", "Slak/Received", "Jira/Create"),
            "no pack `Slak` is registered: the step never fires",
        ),
        (
            a_step("a", "Slack/Received", "Jirra/Create"),
            "no pack `Jirra` is registered: its action waits for one",
        ),
        (
            a_step("a", "Slack/Recieved", "Jira/Create"),
            "no pack `Slack` says that it sends `Recieved`",
        ),
        (
            a_step("a", "Slack/Received", "Jira/Creat"),
            "no pack `Jira` has the command `Creat`",
        ),
        (
            a_step("a", "Slack/Received", "Jira/Create", event_labels={"env": "dev"}),
            "no pack `Slack` has these labels: the step never fires",
        ),
        (
            a_step("a", "Jira/Created", "Slack/Send", labels={"zone": "{{ Event.Name }}"}),
            "no pack `Slack` has these labels: its action waits for one",
        ),
    ],
)
def test_packs_that_do_not_fit_are_said(step: FlyteStep, what: str) -> None:
    assert said(step, packs=PACKS) == [what]


def test_label_that_is_a_template_may_be_any_value() -> None:
    step = a_step("a", "Slack/Received", "Slack/Send", labels={"env": "{{ Event.Name }}"})

    assert said(step, packs=PACKS) == []


def test_trigger_that_takes_its_own_result_is_said_unless_criteria_end_it() -> None:
    loop = a_step("loop", "Slack/Sent", "Slack/Send")
    ends = a_step("ends", "Slack/Sent", "Slack/Send", criteria="{{ Event.Payload.more }}")

    assert said(loop, packs=PACKS) == [
        "`Sent` is the result of the step's own command: it fires without end"
    ]
    assert said(ends, packs=PACKS) == said(loop) == []


def test_trigger_that_takes_the_result_of_an_earlier_step_is_said_to_fire_twice() -> None:
    forgotten = a_step("second", "Jira/Created", "Slack/Send")

    [what] = said(FIRST, forgotten, packs=PACKS)

    assert what.startswith("`Created` is the result of step `first`: this step fires twice")


def test_flow_without_steps_and_ids_that_are_shared_are_said() -> None:
    assert said() == ["the flow has no steps: no event does anything"]
    nameless = [a_step("", "Slack/Received", "Slack/Send"), a_step("", "Slack/Sent", "Q/R", "")]
    assert "a step without an id never fires after another one without an id" in said(*nameless)


def test_context_comes_from_every_step_that_may_have_been_before() -> None:
    steps = (
        a_step("a", "Slack/Received", "Jira/Create", context={"who": ""}),
        a_step("b", "Jira/Created", "Slack/Send", "a", context={"key": ""}),
        a_step("c", "Slack/Sent", "Slack/Send", "b"),
        a_step("d", "Other/Event", "Slack/Send"),
    )

    before = [set(names) for names in FlowReach(FlyteFlow(name="f", steps=steps)).inherited()]

    assert ("who" in before[1], before[2], before[3]) == (True, {"who", "key"}, set())


def test_step_has_nothing_from_itself() -> None:
    alone = a_step("a", "Slack/Received", "Slack/Send", context={"who": ""})

    assert FlowReach(FlyteFlow(name="f", steps=(alone,))).inherited() == [frozenset()]


def test_name_is_followed_through_many_steps_and_then_taken_for_granted() -> None:
    steps = [
        a_step(f"s{at}", f"P{at}/E", f"P{at + 1}/C", context={"far": ""} if not at else {})
        for at in range(2 * ROUNDS_MAX)
    ]

    assert FlowReach(FlyteFlow(name="f", steps=tuple(steps))).inherited()[-1] == {"far"}
