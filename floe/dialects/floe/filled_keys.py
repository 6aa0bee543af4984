"""The keys whose texts take values of the run, as the vocabulary has them."""

from collections.abc import Iterable, Mapping
from typing import Final

from floe.dialects.floe.vocabulary import FLOW, FORM_MAP, NOTICE, TASK_TYPES
from floe.dialects.kinds import ListOf
from floe.dialects.section import Section, SectionPart


def takes_values(kind: object) -> bool:
    """Whether keys of this kind are filled with values of the run."""
    if isinstance(kind, ListOf):
        return takes_values(kind.item)
    if isinstance(kind, SectionPart):
        return bool(_filled(kind.section))
    return getattr(kind, "takes_values", False)


def _filled(section: Section) -> tuple[str, ...]:
    return tuple(key.name for key in section.keys if takes_values(key.kind))


FILLED: Final[Mapping[str, tuple[str, ...]]] = {
    name: _filled(type_.opts) for name, type_ in TASK_TYPES.items()
}
"""By type of task: the `opts` with values in their texts."""


def _listed(names: Iterable[str]) -> str:
    *first, last = (f"`{name}`" for name in dict.fromkeys(names))
    return f"{', '.join(first)} and {last}" if first else last


_OF_TASKS: Final = _listed(name for names in FILLED.values() for name in names)

WHERE: Final = (
    f"values may stand in {_OF_TASKS} of a task, in {_listed(_filled(FLOW))} of a flow, "
    f"and in {_listed((*_filled(FORM_MAP), *_filled(NOTICE)))} of a form or notice"
)
"""What to write instead of a value in a text that takes none."""
