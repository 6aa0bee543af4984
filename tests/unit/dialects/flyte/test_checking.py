"""Flow files of flyte, checked with their templates."""

import pytest

from floe.dialects.flyte.checking import checked

STEP = "event: {packName: P, name: E}, command: {packName: P, name: C, input: %s}"


def found(text: str) -> list[str]:
    return [str(finding).partition("\n")[0] for finding in checked(text, "f.yml")]


def a_flow(*steps: str) -> str:
    return "name: f\nsteps:\n" + "".join(f"- {{{step}}}\n" for step in steps)


@pytest.mark.parametrize("suffix", ["", ", id: a, dependsOn: []"])
def test_good_flow_has_no_findings(suffix: str) -> None:
    assert found(a_flow(STEP % "{a: ['{{ Event.Name }}', 5, null]}" + suffix)) == []


def test_template_with_a_mistake_is_found_at_its_character() -> None:
    flow = a_flow(STEP % "{a: ['{{ 1|nofilter }}']}")
    at = flow.splitlines()[2].index("nofilter") + 1

    assert found(flow) == [
        f"f.yml:3:{at}: error: steps[0].command.input.a[0]: there is no filter `nofilter`"
    ]


@pytest.mark.parametrize(
    "part",
    [
        "criteria: '{{'",
        "context: {a: '{{'}",
        "event: {packName: P, name: E, packLabels: {a: '{{'}}",
        "command: {packName: P, name: C, packLabels: {a: '{{'}}",
        "command: {packName: P, name: C, input: '{{'}",
    ],
)
def test_every_template_of_a_step_is_read(part: str) -> None:
    [said] = found(a_flow(f"{STEP % 'x'}, {part}"))

    assert "f.yml:3:" in said


def test_flow_that_is_refused_is_not_read_further() -> None:
    assert found("{name: f, steps: [{event: 5}]}") == [
        "f.yml:1:19: error: steps[0]: `command` is missing",
        "f.yml:1:27: error: steps[0].event: an object is needed, not a number",
    ]


def test_text_that_is_no_yaml_is_a_finding() -> None:
    [said] = found("a: [")

    assert "not YAML" in said


def test_doubts_are_warnings() -> None:
    steps = (
        STEP % "x" + ", id: a",
        STEP % "x" + ", id: a",
        STEP % "x" + ", id: b, dependsOn: [c, b]",
    )

    assert [one.partition("steps")[2] for one in found(a_flow(*steps))] == [
        "[0].id: several steps have the id `a`: one action of it is shown, the last",
        "[1].id: several steps have the id `a`: one action of it is shown, the last",
        "[2].dependsOn[0]: no step has the id `c`",
        "[2].dependsOn[1]: no step depends on itself: it never fires",
    ]
