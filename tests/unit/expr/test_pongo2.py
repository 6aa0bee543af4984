"""Templates of flyte: the rules of the language, beside the vectors."""

import pytest

from floe.expr.errors import ExpressionError
from floe.expr.pongo2.template import parse
from floe.expr.pongo2.values import PackLabels, Value, from_json
from tests.make_flyte import FixedSurroundings, template_names
from tests.recorded import own_document

DOCUMENT = own_document("flyte/vectors/templates.json")
NAMES = template_names(DOCUMENT)
SURROUNDINGS = FixedSurroundings(DOCUMENT["datastore"])


def rendered(text: str, **names: Value) -> str:
    return parse(text).render({**NAMES, **names}, SURROUNDINGS)


def fault_of(text: str, **names: Value) -> ExpressionError:
    with pytest.raises(ExpressionError) as raised:
        rendered(text, **names)
    return raised.value


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("false and true or true", "False"),
        ("true or false and false", "True"),
        ("1 == 1 == true", "False"),
        ("1 == (1 == 1)", "False"),
        ("-7 / 2", "-3"),
        ("7 / -2.0", None),
        ("-7 % 3", "-1"),
        ("1.0 / 0", "+Inf"),
        ("0.0 / 0", "NaN"),
        ("2 ^ 3 ^ 2", "512.000000"),
        ("0 ^ (0 - 1)", "+Inf"),
        ("9223372036854775807 + 1", "-9223372036854775808"),
        ("2 + 3 * 4 - 1", "13"),
        ("10 - 4 - 3", "3"),
        ("not 0", "1"),
        ("not 1.5", "0.000000"),
        ("not 0.0", "1.100000"),
        ("-true", None),
        ("not not true", None),
        ("true + 1", "1"),
        ("' 5' + 1", "1"),
        ("'1e3' + 1", "1001"),
        ("'inf' < 5", "True"),
        ("5 == 5.0", "False"),
        ("nope == ''", "False"),
        ("'a' in 'cat' and 'z' in 'cat'", "False"),
        ("1 in Event.Payload", None),
        ("1.5 in Event.Payload", "False"),
        ("Event.Payload.m in Event.Payload.commits", None),
        ("'Name' in Event", "True"),
        ("'name' in Event", "False"),
        ("Event == Event", None),
        ("Event.CreatedAt == Event.CreatedAt", "True"),
        ("Event.Payload.l == nope", "False"),
        ("Event.Payload.l == Event.Payload.l", None),
        ("Event.Payload.s.0", "72"),
        ("Event.Payload.uni.2", "195"),
        ("Event.Payload.l.9", ""),
        ("Event.Payload.m.0", None),
        ("nofn('x').y", ""),
        ("randomInt", None),
        ("randomInt(5)", "4"),
        ("randomInt(0)", None),
        ("randomInt(5, 6)", None),
        ("randomInt(Event.Payload.i)", None),
        ("randomInt(Event.Payload.i|integer)", "4"),
        ("randomAlpha(3)", "ZZZ"),
        ("base64Decode('a=')", None),
        ("base64Decode('a')", None),
        ("unmarshalJson('[1]')", None),
        ("unmarshalJson('{\\\\')", None),
        ("unmarshalJson('{').x", None),
        ("Event.Payload.in", None),
        ("1 - -1", None),
        ("5a", ""),
        ("Event.CreatedAt", "2022-01-02 15:04:05 +0000 UTC"),
        ("Event.CreatedAt.Unix()", "1641135845"),
        ("Event.CreatedAt.nope", ""),
        ("Event", "<execution.Event Value>"),
    ],
)
def test_an_expression_comes_to_what_pongo2_makes_of_it(expression: str, text: str | None) -> None:
    if text is None:
        fault_of(f"{{{{ {expression} }}}}")
    else:
        assert rendered(f"{{{{ {expression} }}}}") == text


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("'a b'|split|length", "3"),
        ("''|split|length", "0"),
        ("''|split:','|length", "1"),
        ("'abc'|slice:'0:'", ""),
        ("'abc'|slice:'4:2'", ""),
        ("'abcdef'|slice:'4:2'", "ef"),
        ("'abc'|slice:'-1:'", None),
        ("'it is'|title", "It Is"),
        ('"it\'s"|title', "It'S"),
        ("'straße'|upper", "STRAßE"),
        ("5|center:4", "  5  "),
        ("'ab'|rjust:'-4'", "ab  "),
        ("'a b c'|wordwrap:5", None),
        ("34.26|floatformat", "34.3"),
        ("'34.5'|floatformat:2", "34.50"),
        ("5|floatformat:'2'", "5"),
        ("34.5|floatformat:0", "34"),
        ("'x'|stringformat:'%5s'", "    x"),
        ("5|stringformat:'%05d'", "00005"),
        ("Event.Payload.i|stringformat:'%d'", "%!d(float64=5)"),
        ("Event.Payload.big|stringformat:'%v'", "1.234567890123e+12"),
        ("Event.Payload.m|stringformat:'%v'", "map[a:1 b:2]"),
        ("Event.Payload.nl|stringformat:'%.1f'", "[3.0 1.0 2.0]"),
        ("nope|stringformat:'%v'", "<nil>"),
        ("'a'|stringformat:'x'", "x%!(EXTRA string=a)"),
        ("'a'|stringformat:'100%'", "100%!(NOVERB)%!(EXTRA string=a)"),
        ("'a'|stringformat:'%s%s'", "a%!s(MISSING)"),
        ("'a'|stringformat:'%q%%'", '"a"%'),
        ("true|stringformat:'%t'", "true"),
        ("10|stringformat:'%5.2f'", "%!f(int=   10)"),
        ("'ab'|stringformat:'% X'", "61 62"),
        ("'ab'|stringformat:'%x'", "6162"),
        ("Event.Pack|stringformat:'%v'", "{Flyte Flyte map[env:staging network:lab]}"),
        ("'a'|truncatechars:2", "a"),
        ("'abcd'|truncatechars:2", "ab"),
        ("'abcd'|truncatechars:'-2'", None),
        ("'a-b'|cut:'-'|add:5", "ab5"),
        ("'a\\\\n1'|escapejs", "a\\u000A\\u0031"),
        ("Event.Payload.html|removetags:'b'", "x & 'y'"),
        ("Event.Payload.html|removetags:'('", None),
        ("Event.Payload.ml|linebreaks", "<p>a<br />b</p><p>c</p>"),
        ("Event.Payload.ml|linenumbers", "1. a\n2. b\n3. \n4. c"),
        ("Event.Payload.ml|linebreaksbr", "a<br />b<br /><br />c"),
        ("'see www.a.com '|urlize", 'see <a href="http://www.a.com" rel="nofollow">www.a.com</a> '),
        ("'a@b.com'|urlizetrunc:5", '<a href="mailto:a@b.com">a@...</a>'),
        ("'/ä b'|iriencode", "/%C3%A4+b"),
        ("3|pluralize:'y,ies'", "ies"),
        ("'a'|pluralize", None),
        ("21|get_digit:2", "2"),
        ("'ab'|extractMatch:'('", None),
        ("'ab'|match:'('", "False"),
        (
            "Event.CreatedAt|date:'Mon Jan _2 3:04PM 2006 MST .000'",
            "Sun Jan  2 3:04PM 2022 UTC .000",
        ),
        ("Event.CreatedAt|time:'2006-01-02T15:04:05Z07:00'", "2022-01-02T15:04:05Z"),
        ("Event.Payload.l|random", "c"),
        ("'yes'|yesno:'a,b,c,d'", None),
        ("nope|default", ""),
        ("Event.Payload.l|index:'1'", "b"),
        ("5|key:'a'", None),
    ],
)
def test_a_filter_makes_what_pongo2_makes(expression: str, text: str | None) -> None:
    if text is None:
        fault_of(f"{{{{ {expression} }}}}")
    else:
        assert rendered(f"{{{{ {expression} }}}}") == text


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{% for c in 'é' %}{{ c }}{% endfor %}", "é"),
        ("{% for c in 'abc' reversed %}{{ forloop.Counter }}{{ c }}{% endfor %}", "3c2b1a"),
        ("{% for c in 'abc' sorted %}{% endfor %}", None),
        ("{% for x in Event.Payload.nl reversed sorted %}{{ x|integer }}{% endfor %}", "312"),
        ("{% for x in 'b,a,c'|split:',' reversed sorted %}{{ x }}{% endfor %}", "cba"),
        ("{% for k, v in Event.Payload.m sorted %}{{ k }}{{ v }}{% endfor %}", "a1b2"),
        ("{% for x in 'ab' %}{{ forloop.counter }}{% endfor %}", ""),
        ("{% for x in 5 %}{% empty %}none{% endfor %}", "none"),
        ("{% set forloop = 1 %}{% for x in 'a' %}{% endfor %}", None),
        ("{% if false %}1{% elif true %}2{% else %}3{% endif %}", "2"),
        ("{% if true x %}{% endif %}", None),
        ("{% for x in 'abab' %}{% cycle 1 2 %}{% endfor %}", "1212"),
        ("{% cycle 'a' 'b' as c %}{{ c }}{% cycle c %}{{ c }}", "aabb"),
        ("{% cycle 'a' 'b' as c silent %}{{ c }}{% cycle c %}{{ c }}", "ab"),
        ("{% cycle %}", None),
        ("{% for x in 'aab' %}{% ifchanged %}{{ x }}{% endifchanged %}{% endfor %}", "ab"),
        ("{% for x in 'aab' %}{% ifchanged x %}1{% else %}2{% endifchanged %}{% endfor %}", "121"),
        ("{% for x in 'aab' %}{% ifchanged x %}1{% endifchanged %}{% endfor %}", None),
        ("{% firstof nope '' 'x' 'y' %}", "x"),
        ("{% autoescape on %}{% firstof '<' %}{{ '<'|safe }}{% endautoescape %}", "&lt;<"),
        ("{% filter upper|cut:'B' %}ab{% endfilter %}", "A"),
        ("{% filter nofilter %}{% endfilter %}", None),
        ("{% now '2006' fake %} {% now '15:04' %}", "2014 15:04"),
        ("{% widthratio 1 0 100 as w %}{{ w }}", "-9223372036854775808"),
        ("{% verbatim %}{{ x }}{% endverbatim %}", "{{ x }}"),
        ("{% verbatim %}{% endverbatim %}", None),
        ("{% with a='1' %}{% set b='2' %}{% endwith %}{{ b }}", ""),
        ("{% with %}{% endwith %}", None),
        ("{% with a=1 as b %}{% endwith %}", None),
        ("{% macro m(a) export %}<{{ a }}>{% endmacro %}{% autoescape on %}{{ m(1) }}", None),
        ("{% macro m(a) %}{{ a }}{% endmacro %}{{ m }}", ""),
        ("{% macro m() %}{% endmacro %}{{ m(1) }}", None),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", None),
        ("{% macro Event() export %}{% endmacro %}", None),
        ("{% block a %}{% endblock b %}", None),
        ("{% block a %}{% endblock a %}{% block a %}{% endblock %}", None),
        ("{% include 'a' %}", None),
        ("{% comment %}{% endcomment x %}", None),
        ("{# two\nlines #}", None),
        ("{{ 'two\nlines' }}", None),
        ("{{ 1\n}}", None),
        ("a\x01b", None),
        ("a{% endautoescape %}{{ '<' }}{% autoescape off %}b", "a&lt;b"),
        ("{{ template(\"{{ template('{{ a }}', b) }}\", c) }}", "x"),
        ("{{ template('{{ randomInt(1) }}', Context) }}", "0"),
    ],
)
def test_a_tag_does_what_pongo2_does(template: str, text: str | None) -> None:
    names: dict[str, Value] = {"c": {"b": {"a": "x"}}}
    if text is None:
        fault_of(template, **names)
    else:
        assert rendered(template, **names) == text


def test_the_text_of_a_macro_is_not_escaped_again() -> None:
    macro = "{% macro m(a) %}<{{ a }}>{% endmacro %}"

    assert rendered(macro + "{% autoescape on %}{{ m('<') }}{% endautoescape %}") == "<&lt;>"


def test_the_functions_hide_given_names() -> None:
    assert rendered("{{ randomInt(1) }}", randomInt="mine") == "0"


def test_a_list_of_labels_is_refused_where_a_map_of_json_is_needed() -> None:
    fault = fault_of("{{ template('', labels) }}", labels=PackLabels(a="b"))

    assert "`template` takes a map" in fault.what


@pytest.mark.parametrize(
    ("template", "offset"),
    [
        ("ab {{ x|nofilter }}", 8),
        ("ab {{ Event.Name.x }}", 6),
        ("{% if true %}", 3),
        ("{{ 1 / 0 }}", 5),
        ("{{ 'a", 3),
        ("{{ 'a\\w' }}", 5),
        ("ends in {", 8),
    ],
)
def test_an_error_has_its_place(template: str, offset: int) -> None:
    assert fault_of(template).offset == offset


def test_an_error_never_has_a_value_in_it() -> None:
    fault = fault_of("{{ secret.x }}{{ secret|matchesCron:'*' }}", secret="hunter2")

    assert "hunter2" not in fault.what + fault.hint


def test_half_a_character_prints_as_unknown() -> None:
    assert rendered("{{ x }}{{ x|length }}", x=from_json("\ud800")) == "\ufffd1"


def test_json_becomes_values_with_floats() -> None:
    value = from_json({"a": [1, True, None, 10**400], "b": {"c": ()}})

    assert value == {"a": [1.0, True, None, float("inf")], "b": {"c": []}}
    assert isinstance(value, dict)
    assert str(value["a"]) == "[1.0, True, None, inf]"
