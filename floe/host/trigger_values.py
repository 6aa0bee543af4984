"""The values that a trigger gives to its runs: its repository, and the commit that changed."""

from floe.model.codec import encode
from floe.model.flow import Trigger
from floe.model.ids import Json
from floe.model.work import Git


def trigger_values(git: Git) -> dict[str, Json]:
    """The repository of a trigger as values, spelt as in the documents, without its key."""
    shape = {k.replace("_", "-"): v for k, v in encode(git).items() if k != "key_file"}
    return dict(shape)


def initial_values(trigger: Trigger) -> dict[str, Json]:
    """The initial values of the form of a trigger that fires without people."""
    return {f.id: f.value for f in trigger.form.fields if f.value is not None}


def ref_values(git: Git, ref: str, commit: str) -> dict[str, Json]:
    """The values of a run that a changed ref starts.

    Source: the original's poll-git: `url`, `branch` (the short name), `hash`.
    """
    branch = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    return {**trigger_values(git), "branch": branch, "ref": ref, "hash": commit}
