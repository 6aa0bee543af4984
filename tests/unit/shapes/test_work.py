"""The work of a node as people see it."""

from floe.expr.template import template_of, template_parts
from floe.kernel.judge import NodeScope
from floe.kernel.work_values import filled_work
from floe.model.call import OutsideTexts, OutsideWork
from floe.model.callback import Callback
from floe.model.http import Http, HttpHeader
from floe.model.work import Exec, Fetch, Work
from floe.shapes.work import work_shape
from tests.make import a_flow, a_node, a_run

WORK = Exec(
    argv=("tool", template_of(template_parts("--as={{ values.user }}:{{ values.token }}")), "x"),
    env=(template_of(template_parts("A={{ values.user|upper }}")),),
)


def filled(work: Work) -> Work:
    flow = a_flow(a_node())
    return filled_work(
        work, NodeScope(run=a_run(flow, {"user": "al", "token": "s3cret"}), flow=flow)
    )


def test_work_of_a_flow_is_shown_as_it_is_written() -> None:
    assert work_shape(WORK) == {
        "kind": "Exec",
        "argv": ["tool", "--as={{ values.user }}:{{ values.token }}", "x"],
        "env": ["A={{ values.user|upper }}"],
    }


def test_work_of_a_run_is_shown_with_its_values_but_secrets() -> None:
    shown = work_shape(filled(WORK))

    assert (shown["argv"], shown["env"]) == (["tool", "--as=al:***", "x"], ["A=AL"])


def test_url_is_one_text() -> None:
    work = Fetch(url=template_of(template_parts("https://h/{{ values.user }}")))

    assert work_shape(filled(work)) == {"kind": "Fetch", "url": "https://h/al"}


def test_work_without_values_is_shown_as_it_is() -> None:
    assert work_shape(Exec(argv=("make",))) == {"kind": "Exec", "argv": ["make"]}


def test_headers_of_a_request_are_shown_by_name_without_secrets() -> None:
    headers = (
        HttpHeader(name="X-User", value=template_of(template_parts("{{ values.user }}"))),
        HttpHeader(name="X-Token", value=template_of(template_parts("{{ values.token }}"))),
    )
    work = Http(url="https://h/", method="GET", headers=headers)

    assert work_shape(filled(work))["headers"] == [
        {"name": "X-User", "value": "al"},
        {"name": "X-Token", "value": "***"},
    ]


def test_request_of_a_call_is_shown_without_secrets_and_without_its_address() -> None:
    url = template_of(
        template_parts("https://h/{{ values.token }}?to={{ callback }}", ("values", "callback"))
    )

    shown = work_shape(filled(Callback(request=Http(url=url, method="POST"))))

    assert shown["request"]["url"] == "https://h/***?to=CALLBACK-ADDRESS"


def test_texts_of_outside_work_are_shown_as_they_are_written() -> None:
    texts = OutsideTexts(input='{"a":1}', labels=(template_of(template_parts("e={{ values.e }}")),))

    shown = work_shape(OutsideWork(type="x.y", queue="q", texts=texts))

    assert shown["texts"] == {"input": '{"a":1}', "labels": ["e={{ values.e }}"]}
