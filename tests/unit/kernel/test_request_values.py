"""Values in the work of an http task: each stays inside the place where it stands."""

import json
from collections.abc import Mapping
from urllib.parse import parse_qs

import pytest

from floe.expr.template import NAMES, template_of, template_parts
from floe.kernel.judge import AT_NODE, NodeScope
from floe.kernel.work_values import WorkFault, filled_work
from floe.model.http import BodyType, Http, HttpHeader
from floe.model.ids import Json
from floe.model.notify import Notify
from floe.model.template import Template, data_of
from tests.make import a_flow, a_node, a_run

HOSTILE = ['"', '","admin":true,"x":"', "\\", "a\r\nB: c", "&b=1", "%00", "ä", "{{ values.b }}"]


def text(written: str) -> Template:
    return template_of(template_parts(written, (*NAMES, *AT_NODE)))


def filled(work: Http, values: Mapping[str, Json]) -> Http:
    run = a_run(a_flow(a_node()), values)
    assert run.flow is not None
    found = filled_work(work, NodeScope(run=run, flow=run.flow))
    assert isinstance(found, Http)
    return found


def body(written: str, body_type: BodyType, values: Mapping[str, Json]) -> str:
    work = Http(url="http://h/", method="POST", body=text(written), body_type=body_type)
    return data_of(filled(work, values).body or "")


@pytest.mark.parametrize("value", HOSTILE)
def test_value_in_a_json_string_is_text(value: str) -> None:
    found = body('{"a\\"":"x{{ values.a }}y","b":{{ values.a }}}', "json", {"a": value})

    assert json.loads(found) == {'a"': f"x{value}y", "b": value}


@pytest.mark.parametrize("value", [None, True, 7, 1.5, [1, "a"], {"b": None}])
def test_value_outside_of_strings_keeps_its_type(value: Json) -> None:
    assert json.loads(body("{{ values.a }}", "json", {"a": value})) == value


@pytest.mark.parametrize("value", HOSTILE)
def test_value_in_a_form_stays_one_value(value: str) -> None:
    found = body("a={{ values.a }}&c=d", "form", {"a": value})

    assert parse_qs(found) == {"a": [value], "c": ["d"]}


def test_value_in_a_text_is_as_it_is() -> None:
    assert body("x {{ values.a }}", "text", {"a": 'a"&\n'}) == 'x a"&\n'


def test_values_stand_in_the_text_and_subject_of_a_message() -> None:
    run = a_run(a_flow(a_node()), {"a": "1 & <2>"})
    assert run.flow is not None
    work = Notify(channel="mail", text=text("is {{ values.a }}"), subject=text("{{ values.a }}"))

    found = filled_work(work, NodeScope(run=run, flow=run.flow))

    assert isinstance(found, Notify)
    assert (data_of(found.text), data_of(found.subject)) == ("is 1 & <2>", "1 & <2>")


def test_value_that_would_end_a_header_is_an_error() -> None:
    header = HttpHeader(name="X-A", value=text("v{{ values.a }}"))
    work = Http(url="http://h/", method="GET", headers=(header,))

    with pytest.raises(WorkFault, match=r"header X-A: a header cannot have a line break"):
        filled(work, {"a": "b\r\nCookie: c"})
    with pytest.raises(WorkFault, match=r"cannot have the character '\\xe4'"):
        filled(work, {"a": "ä"})
    assert data_of(filled(work, {"a": "b"}).headers[0].value) == "vb"


def test_text_without_values_and_a_missing_body_stay_as_they_are() -> None:
    work = Http(url=text("http://h/{{ values.a }}"), method="GET")

    found = filled(work, {"a": "b?c"})

    assert (data_of(found.url), found.body) == ("http://h/b%3Fc", None)
