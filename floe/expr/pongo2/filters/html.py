"""Filters for text that is HTML: escapes, tags, lines and links."""

from collections.abc import Callable, Sequence
from typing import Final

from floe.expr.errors import ExpressionError
from floe.expr.fuel import Fuel
from floe.expr.patterns import Search
from floe.expr.pongo2 import go_text
from floe.expr.pongo2.filters.texts import iriencode
from floe.expr.pongo2.go_text import octets
from floe.expr.pongo2.scope import Rendering
from floe.expr.pongo2.values import SafeText, Value, integer_of, length_of, text_of

_WORD_ENDS: Final = frozenset(" .,;")
_URL: Final = (
    r"((((http|https)://)|www\.|((^|[ ])[0-9A-Za-z_\-]+(\.com|\.net|\.org|\.info|\.biz|\.de))))"
    r"(?U:.*)([ ]+|$)"
)
_MAIL: Final = r"(\w+@\w+\.\w{2,4})"


def _read(value: Value, run: Rendering, times: int = 1) -> str:
    text = text_of(value)
    run.fuel.make(times * len(text))
    return text


def escaped(text: str) -> str:
    """A text without signs that HTML reads."""
    for sign, name in (("&", "amp"), (">", "gt"), ("<", "lt"), ('"', "quot"), ("'", "#39")):
        text = text.replace(sign, f"&{name};")
    return text


def escape(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: a text without signs that HTML reads."""
    return escaped(_read(value, run, 6))


def safe(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: the value itself, which `autoescape on` does not escape."""
    return value


def escapejs(value: Value, argument: Value, run: Rendering) -> Value:
    r"""Template filter: a text for JavaScript: all but letters, blanks and `/` as codes."""
    text, made, at = _read(value, run, 6), list[str](), 0
    while at < len(text):
        character = text[at]
        if character == "\\" and text[at + 1 : at + 2] in ("r", "n"):
            made.append("\\u000D" if text[at + 1] == "r" else "\\u000A")
            at += 2
            continue
        if (character.isascii() and character.isalpha()) or character in " /":
            made.append(character)
        elif character != "\ufffd" and not "\ud800" <= character < "\ue000":
            made.append(f"\\u{ord(character):04X}")
        at += 1
    return "".join(made)


def striptags(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: a text without tags."""
    text, made, at = _read(value, run), list[str](), 0
    while (start := text.find("<", at)) >= 0 and (end := text.find(">", start)) >= 0:
        made.append(text[at:start])
        at = end + 1
    made.append(text[at:])
    return go_text.trimmed("".join(made))


def removetags(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: a text without the tags of these names, with commas between."""
    text = _read(value, run)
    names = text_of(argument).split(",")
    run.fuel.spend(len(names))
    for name in names:
        text = _search(f"</?{name}/?>", run.fuel).replaced(text, lambda _: "", run.fuel)
    return go_text.trimmed(text)


def _search(pattern: str, fuel: Fuel) -> Search:
    found = Search.of(pattern, fuel)
    if found is None:
        raise ExpressionError("the pattern cannot be read", "the syntax is RE2's")
    return found


def linebreaks(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: paragraphs between empty lines, and `<br />` for other ends of lines."""
    if not length_of(value):
        return value
    text, made, is_open = text_of(value), list[str](), False
    run.fuel.make(len(text) + 13 * text.count("\n"))
    lines = text.split("\n")
    is_empty = [not go_text.trimmed(line) for line in lines]
    for at, line in enumerate(lines):
        if not is_open:
            made.append("<p>")
            is_open = True
        made.append(line)
        if at < len(lines) - 1 and not is_empty[at]:
            is_open = not is_empty[at + 1]
            made.append("<br />" if is_open else "</p>")
    return "".join(made) + ("</p>" if is_open else "")


def linebreaksbr(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: `<br />` for each end of a line."""
    text = text_of(value)
    run.fuel.make(len(text) + 5 * text.count("\n"))
    return text.replace("\n", "<br />")


def linenumbers(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: a number before each line."""
    text = text_of(value)
    run.fuel.make(len(text) + 9 * text.count("\n"))
    return "\n".join(f"{at}. {line}" for at, line in enumerate(text.split("\n"), 1))


def truncatechars_html(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: the first characters of HTML; open tags are closed."""
    text, most = _read(value, run, 2), max(integer_of(argument) - 3, 0)
    count = 0

    def one(at: int) -> tuple[str, int]:
        nonlocal count
        count += 1
        return text[at], at + 1

    made, tags = _cut_html(text, lambda: count >= most, one)
    dots = "..." if most <= count < len(octets(text)) else ""
    return SafeText(made + dots + tags)


def truncatewords_html(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: the first words of HTML; open tags are closed."""
    text, most = _read(value, run, 2), max(integer_of(argument), 0)
    count = 0

    def word(at: int) -> tuple[str, int]:
        nonlocal count
        start, is_word = at, False
        while at < len(text) and text[at] != "<":
            at += 1
            if text[at - 1] in _WORD_ENDS:
                break
            is_word = True
        count += is_word
        return text[start:at], at

    made, tags = _cut_html(text, lambda: count >= most, word)
    return SafeText(made + ("..." if count >= most else "") + tags)


def _cut_html(
    text: str, is_enough: Callable[[], bool], take: Callable[[int], tuple[str, int]]
) -> tuple[str, str]:
    """HTML up to where it is enough, and the ends of the tags that are open there."""
    made: list[str] = []
    tags: list[str] = []
    at = 0
    while at < len(text) and not is_enough():
        if text[at] != "<":
            part, at = take(at)
            made.append(part)
            continue
        made.append("<")
        at += 1
        if at + 1 >= len(text):
            continue
        end = text.find(">", at)
        body = text[at:] if end < 0 else text[at:end]
        at = len(text) if end < 0 else end + 1
        if body.startswith("/"):
            made.append(f"{body}>")
            if body[1:] in tags:
                _close(tags, body[1:])
        else:
            made.append(body if end < 0 else f"{body}>")
            tags.append(body.partition(" ")[0])
    return "".join(made), "".join(f"</{tag}>" for tag in reversed(tags))


def _close(tags: list[str], tag: str) -> None:
    """Remove the last open tag of a name; the last of all replaces it, as in pongo2."""
    at = len(tags) - 1 - tags[::-1].index(tag)
    tags[at] = tags[-1]
    tags.pop()


def urlize(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: addresses as links; with `false` their texts are not escaped."""
    return _linked(value, run, escapes=argument is not False, most=-1)


def urlizetrunc(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: addresses as links, with texts of so many bytes at most."""
    return _linked(value, run, escapes=True, most=integer_of(argument))


def _linked(value: Value, run: Rendering, *, escapes: bool, most: int) -> str:
    def cut(text: str) -> str:
        data = octets(text)
        return go_text.from_octets(data[: most - 3]) + "..." if 3 < most < len(data) else text

    def link(groups: Sequence[str]) -> str:
        found = groups[0]
        address = go_text.trimmed(found)
        url = text_of(iriencode(address, None, run))
        url = url if url.startswith("http") else f"http://{url}"
        shown = escaped(cut(address)) if escapes else cut(address)
        before, after = " " * found.startswith(" "), " " * found.endswith(" ")
        return f'{before}<a href="{url}" rel="nofollow">{shown}</a>{after}'

    def mail(groups: Sequence[str]) -> str:
        return f'<a href="mailto:{groups[0]}">{cut(groups[0])}</a>'

    text = _search(_URL, run.fuel).replaced(_read(value, run, 2), link, run.fuel)
    return _search(_MAIL, run.fuel).replaced(text, mail, run.fuel)
