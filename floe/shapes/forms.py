"""Forms as JSON: a form and its fields, and the open forms of a run."""

from floe.model.codec import iso
from floe.model.flow import Ask, Form
from floe.model.refs import Shape
from floe.model.run import Run


def form_shape(form: Form) -> Shape:
    """A form and its fields."""
    return {
        "title": form.title,
        "fields": [
            {
                "id": f.id,
                "prompt": f.prompt,
                "type": f.type,
                "value": f.value,
                "required": f.required,
                "choices": list(f.choices),
            }
            for f in form.fields
        ],
    }


def open_forms(run: Run) -> list[Shape]:
    """The forms of a run that wait for an answer."""
    asking = [(id, run.nodes[id]) for id in run.nodes if id in run.open]
    return [
        {
            "node": id,
            "visit": state.visit,
            **form_shape(state.work.form),
            "asked_at": iso(state.asked_at),
        }
        for id, state in asking
        if state.phase == "asking" and isinstance(state.work, Ask)
    ]
