"""Texts with values in them as texts with variables: `${FLOE_IN_template0}` stands for a value.

The rules of a command line are rules about variables, so a value of a template is one for them.
What it came to is data: it replaces its variable last, and nothing is looked for in it.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from floe.expr.template import part_as_written
from floe.model.nouns import replace
from floe.model.template import Template, Text

TEMPLATE: Final = "FLOE_IN_template"
"""Of these variables. Those of other values are in capitals behind `FLOE_IN_`."""


class WithVariables(NamedTuple):
    """Texts with a variable for each value of a template."""

    texts: tuple[str, ...]
    values: Mapping[str, str]
    """What each came to, by variable; empty before that."""
    written: Mapping[str, str]
    """Each as it is written, by variable: `{{ values.version }}`."""

    def shown(self, sentence: str) -> str:
        """A sentence with the values as they are written in place of their variables."""
        for name, written in self.written.items():
            sentence = sentence.replace(f"`${name}`", f"`{written}`")
        return sentence


def literal(texts: Iterable[Text]) -> tuple[Text, ...]:
    """These texts with each dollar doubled: what is a text elsewhere has no variables of floe."""
    return tuple(
        text.replace("$", "$$")
        if isinstance(text, str)
        else Template(
            parts=tuple(
                part if part.is_value else replace(part, text=part.text.replace("$", "$$"))
                for part in text.parts
            )
        )
        for text in texts
    )


def with_variables(texts: Iterable[Text]) -> WithVariables:
    """These texts with variables; those without values stay as they are."""
    found, values, written = list[str](), dict[str, str](), dict[str, str]()
    for text in texts:
        if isinstance(text, str):
            found.append(text)
            continue
        joined = ""
        for part in text.parts:
            if not part.is_value:
                joined += part.text
                continue
            name = f"{TEMPLATE}{len(values)}"
            values[name], written[name] = part.data or "", part_as_written(part)
            dollars = len(joined) - len(joined.rstrip("$"))
            joined += f"{'$' * (dollars % 2)}${{{name}}}"
        found.append(joined)
    return WithVariables(tuple(found), values, written)
