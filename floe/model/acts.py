"""What a person may do to a run of a dialect besides what each run allows."""

from floe.model.form import Form
from floe.model.nouns import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing that a person may do."""

    id: str
    name: str
    """Of a button."""
    why: str
    """What it does, in a sentence."""
    form: Form | None = None
    """What the person fills in; None for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acts:
    """What a person may do to a run now."""

    hint: str = ""
    """What the state of the run means for a person, and what helps; empty for nothing."""
    acts: tuple[Act, ...] = ()
