"""Templates: texts with values in them, as a dialect's reader found them in a document.

A compiled flow holds them parsed, so that no text is searched for `{{` when a flow runs.
"""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """The pieces of a text, in order."""

    parts: tuple[TemplatePart, ...] = ()

    @property
    def plain(self) -> str:
        """The text without its paths and expressions; all of it, if it has none."""
        return "".join(part.text for part in self.parts)


def plain_template(text: str) -> Template:
    """A template of nothing but text."""
    return Template(parts=(TemplatePart(text=text),))
