"""The words of floe's prose: pages, docstrings, comments and texts are plain English.

Only words that can be tested: each phrase here is nearly never right, with the words to write
instead. ALLOWED has the lines in which it is right.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

ROOT: Final = Path(__file__).parents[2]

INSTEAD: Final = {
    r"anew": "again, from the beginning, a new …",
    r"for good|for ever": "permanently, forever",
    r"nobody|whoever|somebody|someone": "name the party: no caller, a client, a user",
    r"who (?:asks?|calls?|speaks?|reads?|listens?|waits?|answers?|comes?)": "the caller, …",
    r"what (?:is|was) (?:there|said|told|asked|heard|left)": "name it: the data, the rest, …",
    r"that which|those who": "name it",
    r"hear|hears|say no|says no|said no": "receive, refuse",
    r"tells? (?:it|them|others) (?:of|what)": "send, report",
    r"as well": "too, also",
    r"likewise": "also, in the same way",
    r"(?:in|takes?) the place of": "replaces, instead of",
    r"is no (?:more|longer there)|are no more": "is gone, not any more",
    r"has not the|have not the": "lacks the",
    r"be it|be they": "whether it is",
    r"turn about|in turn about": "alternately",
    r"seen to it|see to it|sees to it": "ensure",
    r"to be (?:told|said|heard|asked)": "use the active voice",
    r"says? so": "reports it, names it",
    r"a (?:word|letter) (?:from|of|to) (?:a|the|another) (?:host|peer|keeper|warden)": "a message",
    r"please": "leave it out",
}
"""A regular expression of whole words, in any case, and what to write instead."""

ALLOWED: Final = (
    "opts: {cmd: echo nobody answered}",
    "nobody answered within",
    "nobody: no node issues the tag.",
)
"""The beginnings of lines in which such a phrase is right."""

FORBIDDEN: Final = {
    re.compile(rf"(?<![\w`.-])(?:{phrase})(?![\w`-])", re.IGNORECASE): instead
    for phrase, instead in INSTEAD.items()
}

PAGES: Final = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
MODULES: Final = sorted((ROOT / "floe").rglob("*.py"))
SHEETS: Final = sorted(
    path
    for kind in ("*.js", "*.css", "*.html")
    for path in (ROOT / "webapp").rglob(kind)
    if "vendor" not in path.parts
)
EXAMPLES: Final = sorted((ROOT / "configs").rglob("*.yml"))


MADE_END: Final = "<!-- end -->"
"""The end of a table that is made from a module, whose texts are tested there."""


FLOES_OWN: Final = (
    *("adopter", "grantee", "pen", "pend", "epoch", "ledger"),
    *("keeper", "claim", "fence", "census", "hub", "warden"),
)
"""Words that a page explains at their first use, in italics or by a link, or by the glossary."""


class Prose(NamedTuple):
    """One line that people read."""

    line: int
    text: str


def of_page(path: Path) -> Iterator[Prose]:
    """The lines of a page, without code in them and without tables that are made from a module."""
    is_made = False
    for number, line in enumerate(path.read_text().splitlines(), 1):
        is_made = (is_made or line.startswith("<!--")) and line != MADE_END
        if not is_made:
            yield Prose(number, re.sub(r"`[^`]*`", "``", line))


def of_module(path: Path) -> Iterator[Prose]:
    """Docstrings, comments and texts of several words."""
    source = path.read_text()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            for number, line in enumerate(node.value.splitlines(), node.lineno):
                yield Prose(number, line)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield Prose(token.start[0], token.string)


def of_sheet(path: Path) -> Iterator[Prose]:
    """All lines of a file of the dashboard, or of an example."""
    return (Prose(number, line) for number, line in enumerate(path.read_text().splitlines(), 1))


def unexplained(page: str) -> list[str]:
    """The words of floe's own that a page uses before it explains them.

    A page whose first paragraphs lead to the glossary may use them all.
    """
    if "glossary.md)" in page.split("\n## ")[0]:
        return []
    prose = re.sub(r"^#.*|`[^`]*`", "", page, flags=re.M)
    prose = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"*\1*", prose)  # the text of a link as in italics
    found = []
    for word in FLOES_OWN:
        first = re.search(rf"^.*(?<![\w-]){word}s?(?![\w-]).*$", prose, re.M | re.I)
        if first and not re.search(rf"\*[^*]*\b{word}s?\b[^*]*\*", first[0], re.I):
            found.append(f"{word}: {first[0].strip()}")
    return found


def complaints(path: Path, prose: Iterator[Prose]) -> list[str]:
    """Each forbidden phrase with its line, and what to write instead."""
    return [
        f"{path.relative_to(ROOT)}:{line}: {found[0]!r} in {text.strip()!r}: write {instead}"
        for line, text in prose
        if not text.strip().startswith(ALLOWED)
        for phrase, instead in FORBIDDEN.items()
        if (found := phrase.search(text))
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_page_is_plain_english(page: Path) -> None:
    assert complaints(page, of_page(page)) == []


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.parent.name == "docs"], ids=lambda path: path.name
)
def test_page_explains_its_terms(page: Path) -> None:
    assert page.name == "glossary.md" or unexplained(page.read_text()) == []


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("The hub stores it.", ["hub: The hub stores it."]),
        ("The *hub* stores it. The hub is one.", []),
        ("The [warden](warden.md) owns it.", []),
        ("See the [glossary](glossary.md).\n\n## A\nThe hub.", []),
        ("## A\nThe hub.\n\n## B\nSee the [glossary](glossary.md).", ["hub: The hub."]),
        ("A `hub/` and a hubcap.", []),
    ],
)
def test_term_counts_as_explained_by_emphasis_link_or_glossary(page: str, words: list[str]) -> None:
    assert unexplained(page) == words


def test_modules_are_plain_english() -> None:
    assert [found for path in MODULES for found in complaints(path, of_module(path))] == []


def test_dashboard_is_plain_english() -> None:
    assert [found for path in SHEETS for found in complaints(path, of_sheet(path))] == []


def test_examples_are_plain_english() -> None:
    assert [found for path in EXAMPLES for found in complaints(path, of_sheet(path))] == []


@pytest.mark.parametrize(
    "text", ["It starts anew.", "Nobody reads it.", "lists as well", "what is there is kept"]
)
def test_such_a_phrase_is_found(text: str) -> None:
    assert complaints(ROOT / "README.md", iter([Prose(1, text)])) != []


@pytest.mark.parametrize("text", ["a shared host", "renewal", "`--for-ever`", "a known place"])
def test_other_terms_are_not(text: str) -> None:
    assert complaints(ROOT / "README.md", iter([Prose(1, text)])) == []
