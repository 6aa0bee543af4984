"""A Go template ends in bounded time and memory, whatever it and its data are."""

import pytest

from floe.expr.errors import ExpressionError, TooMuch
from tests.go_templates import rendered

BOMBS = {
    "a long range": "{{range 1000000000}}x{{end}}",
    "a long sequence": "{{until 1000000000}}",
    "ranges in ranges": "{{range 100000}}{{range 100000}}{{end}}{{end}}",
    "a name that includes itself": '{{define "a"}}{{template "a"}}{{end}}{{template "a"}}',
    "a template that includes itself": '{{template "tmpl"}}',
    "a name that includes itself twice": (
        '{{define "a"}}{{template "b"}}{{template "b"}}{{end}}'
        '{{define "b"}}{{template "a"}}{{end}}{{template "a"}}'
    ),
    "a long text": '{{repeat 1000000000 "x"}}',
    "a text that doubles": '{{$x := "xxxxxxxx"}}{{range 40}}{{$x = print $x $x}}{{end}}',
    "a list that doubles": "{{$x := list 1}}{{range 40}}{{$x = list $x $x}}{{end}}{{$x}}",
    "a list that grows": "{{$x := list 1}}{{range 40}}{{$x = concat $x $x}}{{end}}",
    "a replacement that doubles": '{{$x := "aa"}}{{range 40}}{{$x = replace "a" "aa" $x}}{{end}}',
    "a wide printf": '{{range 1000}}{{printf "%1000000d" 1}}{{end}}',
    "a wide printf of a list": '{{printf "%1000000d" (until 1000)}}',
    "a wide indent": '{{indent 100000000 "a"}}',
    "a map within itself": '{{$d := dict}}{{$_ := set $d "d" $d}}{{$d}}',
    "a map within itself as JSON": '{{$d := dict}}{{$_ := set $d "d" $d}}{{toJson $d}}',
    "a map within itself, copied": '{{$d := dict}}{{$_ := set $d "d" $d}}{{deepCopy $d}}',
    "a map within itself, compared": (
        '{{$a := dict}}{{$_ := set $a "d" $a}}{{$b := dict}}{{$_ := set $b "d" $b}}'
        "{{deepEqual $a $b}}"
    ),
    "a map within itself, merged": (
        '{{$a := dict}}{{$_ := set $a "d" $a}}{{$b := dict}}{{$_ := set $b "d" $b}}'
        '{{$_ := set $b "e" 1}}{{merge $a $b}}'
    ),
    "a pattern that is large": '{{mustRegexMatch "((a{100}){100}){100}" "a"}}',
    "passwords without end": '{{range 1000}}{{derivePassword 1 "long" "a" "b" "c"}}{{end}}',
    "chance without end": "{{range 1000}}{{randAlpha 10000}}{{end}}",
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS.keys())
def test_bomb_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        rendered(text)


def test_fuel_ends_a_template() -> None:
    with pytest.raises(TooMuch):
        rendered("{{range 100}}x{{end}}", fuel=50)


def test_pattern_that_explodes_elsewhere_takes_no_time() -> None:
    assert rendered('{{regexMatch "(a+)+$" (print (repeat 5000 "a") "!")}}') == "false"


@pytest.mark.parametrize(
    "text",
    [
        "{{if 1}}" * 60 + "{{end}}" * 60,
        "{{" + "(" * 60 + "1" + ")" * 60 + "}}",
        "x" * (1 << 20) + "y",
        "{{" + "(" * 100_000,
        "{{if 1}}" * 100_000,
    ],
)
def test_template_too_deep_or_long_is_refused_when_read(text: str) -> None:
    with pytest.raises(ExpressionError):
        rendered(text)


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("ab {{.input.key-dash}}", 15),
        ("{{nofunc}}", 2),
        ("a{{range .x}}b", 14),
        ("{{else}}", 2),
        ("{{ $x }}", 3),
        ("{{ /* a */ }}", 3),
        ('{{ "a }}', 3),
        ("{{/* a }}", 2),
        ("{{(}}", 3),
        ("{{)}}", 2),
        ("{{ 1 | 2 }}", 7),
        ("{{ 0x }}", 3),
        ("a{{ .input.s.x }}", 4),
        ('a{{ fail "x" }}', 4),
        ('{{ "\\q" }}', 3),
        ("{{ 99999999999999999999 }}", 3),
    ],
)
def test_mistake_has_a_place(text: str, offset: int) -> None:
    with pytest.raises(ExpressionError) as raised:
        rendered(text)

    assert raised.value.offset == offset
