"""What templates of flyte do silently, without rendering them."""

import pytest

from floe.dialects.flyte.doubts import TemplateNames, criteria_doubts, template_doubts
from floe.expr.pongo2.template import parts_of

NAMES = TemplateNames(frozenset({"who"}), frozenset({"sister"}), frozenset({"env"}))


def said(text: str) -> list[str]:
    return [doubt.what for doubt in template_doubts(parts_of(text), NAMES)]


@pytest.mark.parametrize(
    "text",
    [
        "plain, with 'quotes'",
        "{{ Event.Payload.a.b.0 }} {{ Event.Name }} {{ Event.Pack.Labels.env }} {{ Context.who }}",
        "{{ Event.CreatedAt.Format('2006') }}",
        "{{ Event.Payload.n == 5.0 && Event.Payload.n|integer == 5 }}",
        '{{ Event.Payload.a == "5" || Event.Payload.a != nil }}',
        "{{ Event.Payload.a|match:'^flyte(\\\\s+)help$' }}",
        "{{ datastore('env')|key:'flyte' }} {{ datastore(Event.Payload.key).a }}",
        "{% for k, v in Event.Payload.map %}{{ k }}{{ v }}{{ forloop.Counter }}{% endfor %}",
        "{% set a = 1 %}{{ a }}{% with b=a c=2 %}{{ b }}{{ c }}{% endwith %}",
        "{% with Event.Payload as d %}{{ d.x }}{% endwith %}",
        "{% macro m(a, b='c') %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}",
        "{% cycle 'a' 'b' as turn %}{% cycle turn %}",
        "{{ not (Event.Payload.a == 'b') }} {{ Event.Payload.a or Event.Payload.b }}",
        '{{ "1" + "2" }} {{ Event.Payload.n + 1 }}',
        "{{ Event.Payload.a|matchesCron:'* * * * MON' }} {{ Event.Name|matchesCron:'@daily' }}",
        "{{ randomInt(5) }} {{ randomInt(Event.Payload.n|integer) }} {{ template('a', Context) }}",
        "{% if Event.Payload.a or Event.Payload.b and Event.Payload.c %}x{% endif %}",
    ],
)
def test_template_that_means_what_it_says_has_no_doubt(text: str) -> None:
    assert said(text) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{{ event.Payload }}", "there is no name `event`: it gives nothing"),
        ("{{ nofn('x') }}", "there is no function `nofn`: it gives nothing"),
        ("{{ Event.payload.x }}", "`Event` has no member `payload`: it gives nothing"),
        ("{{ Event.Pack.name }}", "`Event.Pack` has no member `name`: it gives nothing"),
        ("{{ Context.whoo }}", "no step before sets `Context.whoo`: it gives nothing"),
        (
            "{{ Context.sister }}",
            "the values of one `context` do not see each other: `Context.sister` gives nothing",
        ),
        (
            "{% for x in Event.Payload.l %}{{ forloop.counter }}{% endfor %}",
            "`forloop` has no member `counter`: it gives nothing",
        ),
        ("{{ Event.Payload.n == 5 }}", "a number of JSON is a float: `== 5` never holds"),
        ("{{ 5 != Event.Payload.n }}", "a number of JSON is a float: `!= 5` always holds"),
        ("{{ datastore('env').n == 5 }}", "a number of JSON is a float: `== 5` never holds"),
        ("{{ Context.who == 5 }}", "a context has texts: `== 5` never holds"),
        (
            "{{ 3 in Event.Payload.l }}",
            "a number of JSON is never equal to `3`, which is a whole number",
        ),
        (
            "{{ not Event.Payload.a == 'b' }}",
            "`not` belongs to the value before `==` alone",
        ),
        (
            "{{ Event.Payload.a or 'none' }}",
            "`and` and `or` give True or False, never one of their values",
        ),
        (
            "{% if Event.Payload.a and Event.Payload.b or Event.Payload.c %}x{% endif %}",
            "`and` and `or` are read from right to left: `a and b or c` is `a and (b or c)`",
        ),
        ("{{ 'a' + Event.Payload.b }}", "`+` adds numbers, and a text counts as 0"),
        (
            "{{ Event.Payload.a < 'b' }}",
            "`<` compares numbers, and a text that is none counts as 0",
        ),
        (
            "{{ datastore('other') }}",
            "the datastore has no item `other`: its step makes no action",
        ),
        (
            "{{ base64Encode() }}",
            "`base64Encode` takes 1 arguments, not 0: its step makes no action",
        ),
        (
            "{{ randomInt(Event.Payload.n) }}",
            "`randomInt` takes a whole number, which no value of JSON is: its step makes no action",
        ),
        ("{{ randomInt('5') }}", "`randomInt` takes a whole number: its step makes no action"),
        ("{{ datastore(5) }}", "`datastore` takes a text: its step makes no action"),
        (
            "{{ Event.Payload.a|matchesCron:'* * * * 7' }}",
            "the weekday 7 never comes: Sunday is 0 or SUN",
        ),
        (
            "{{ Event.Payload.a|matchesCron:'* *' }}",
            "a cron expression has 5 segments, or 6 with a year: its step makes no action",
        ),
        ("{{ Context }}", "`Context` is written as its type, not as its content"),
        (
            "{{ Event.Payload }}",
            "`Event.Payload` is written as its type if it is a map or a list",
        ),
    ],
)
def test_what_is_hardly_meant_is_said(text: str, what: str) -> None:
    assert said(text) == [what]


@pytest.mark.parametrize("filter", ["match", "extractMatch"])
def test_pattern_that_cannot_be_read_is_said(filter: str) -> None:
    [what] = said(f"{{{{ Event.Payload.a|{filter}:'(?!x)' }}}}")

    assert what.startswith("the pattern cannot be read (")


def test_doubts_have_their_places_and_the_order_of_the_text() -> None:
    text = "{{ Event.Payload.n == 5 }} {{ evnt.x }}"
    doubts = template_doubts(parts_of(text), NAMES)

    assert [text[doubt.at :][:4] for doubt in doubts] == ["== 5", "evnt"]
    assert [doubt.hint for doubt in doubts] == [
        "write `5.0`, or |integer before it",
        "did you mean `Event`?",
    ]


def test_names_inside_of_arguments_and_brackets_are_looked_at_once() -> None:
    text = "{{ (a|default:b) == datastore(c) }}"

    assert [what[17:21] for what in said(text)] == ["`a`:", "`b`:", "`c`:"]


def criteria(text: str) -> list[str]:
    parts = parts_of(text)
    doubts = template_doubts(parts, NAMES)
    return [one.what for one in criteria_doubts(text, parts, is_doubtful=bool(doubts))]


@pytest.mark.parametrize(
    "text", ["true", "1", "{{ Event.Payload.ok }}", "{% if Event.Name %}true{% else %}0{% endif %}"]
)
def test_criteria_that_may_hold_have_no_doubt(text: str) -> None:
    assert criteria(text) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("yes", "the criteria are `yes`, which is neither true nor false: the step never fires"),
        ("False", "the criteria are `False`: the step never fires"),
        (
            " {{ Event.Payload.ok }}",
            "with the text around `{{ }}` the criteria are neither true nor false: "
            "the step never fires",
        ),
        ("{{ Context.whoo }}", "the criteria are always empty: the step never fires"),
    ],
)
def test_criteria_that_never_hold_are_said(text: str, what: str) -> None:
    assert criteria(text) == [what]
