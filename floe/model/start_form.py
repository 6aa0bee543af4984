"""The form with which a person, or a parent run, starts a run by a trigger."""

from typing import assert_never

from floe.model.flow import Trigger
from floe.model.form import Field, FieldType, Form


def form_of(trigger: Trigger) -> Form:
    """The form with which a person starts a run by hand, whatever the trigger."""
    git = trigger.git
    match trigger.type:
        case "data":
            return trigger.form
        case "timer":
            return _form(trigger)
        case "poll-git":
            return _form(
                trigger,
                _optional("branch", "Branch or tag", git.branch),
                _optional("hash", "Commit, if not its newest"),
            )
        case "push":
            return _form(
                trigger,
                _optional("branch", "Branch", git.branch),
                _optional("hash", "Commit", git.hash),
                _optional("url", "Repository", git.url),
                _optional("subject", "Subject of the commit"),
                _optional("push", "Body of the webhook", type="text"),
            )
        case "pack-event":
            return _form(trigger, _optional("event", "Event as JSON", type="text"))
        case _:
            assert_never(trigger.type)


def _form(trigger: Trigger, *own: Field) -> Form:
    """The inputs of the flow, and what the trigger would give itself."""
    inputs = trigger.form.fields
    ids = {field.id for field in inputs}
    return Form(title=trigger.name, fields=(*inputs, *(f for f in own if f.id not in ids)))


def _optional(id: str, prompt: str, value: str = "", type: FieldType = "string") -> Field:
    return Field(id=id, prompt=prompt, type=type, value=value or None, required=False)
