"""Templates: texts with values in them, as a dialect's reader found them in a document.

A compiled flow holds them parsed, so that no text is searched for `{{` when a flow runs.
"""

from collections.abc import Iterable

from floe.model.nouns import dataclass

Path = tuple[str | int, ...]
"""A value by its names: `task.build.outputs.url` is `("task", "build", "outputs", "url")`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplatePart:
    """A piece of a template: plain text, a path to a value, or an expression."""

    text: str = ""
    path: Path = ()
    """Empty for plain text and expressions."""
    code: str = ""
    """The text of an expression; empty for plain text and paths."""
    data: str | None = None
    """In work that is done: what the path or expression came to."""
    is_secret: bool = False
    """In work that is done: whether that may contain a secret, and is not shown."""

    @property
    def is_value(self) -> bool:
        """Whether it stands for a value."""
        return self.path != () or self.code != ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """The pieces of a text, in order."""

    parts: tuple[TemplatePart, ...] = ()

    @property
    def plain(self) -> str:
        """The text without its paths and expressions; all of it, if it has none."""
        return "".join(part.text for part in self.parts)


Text = str | Template
"""A text of a flow: as it is, or with values in it."""


def data_of(text: Text) -> str:
    """The text of a template in which all values are known."""
    return text if isinstance(text, str) else "".join(p.data or p.text for p in text.parts)


def has_template(values: Iterable[object]) -> bool:
    """Whether any of these fields of work is, or contains, a template."""
    return any(
        isinstance(value, Template) or (isinstance(value, tuple) and has_template(value))
        for value in values
    )


def plain_beginning(texts: Iterable[Text]) -> tuple[str, ...]:
    """The texts before the first template with values."""
    found: list[str] = []
    for text in texts:
        if isinstance(text, Template):
            break
        found.append(text)
    return tuple(found)


def plain_template(text: str) -> Template:
    """A template of nothing but text."""
    return Template(parts=(TemplatePart(text=text),))
