"""The group in which a run counts for its flow's `max-runs`.

Source: docs/flows.md, "max-runs".
"""

from hashlib import sha256
from typing import Final

from floe.expr.template import filled
from floe.kernel.named_values import named_value
from floe.model.flow import Flow
from floe.model.ids import Json
from floe.model.run import Run
from floe.model.secret import names_secret, without_secrets
from floe.model.template import Path
from floe.model.title import one_line

PREFIX: Final = "max-runs "
"""Of a group as a tag, for which the keeper grants leases. No resource tag has a blank."""

TEXT_MAX: Final = 80
"""Characters of `per` in the tag; a hash tells longer ones apart."""

HASH_CHARS: Final = 12


def group_of(run: Run, flow: Flow) -> str:
    """The tag of the group of a run, `max-runs deploy/main`; empty without `max-runs`."""
    if flow.max_runs is None:
        return ""
    per = flow.max_runs.per
    if per is None:
        return f"{PREFIX}{flow.id}"

    has_secret = run.sealed

    def value(path: Path) -> Json:
        nonlocal has_secret
        has_secret |= names_secret(path)
        found = named_value(run, flow, path)
        has_secret |= without_secrets(found) != found
        return found

    text = filled(per, value)
    shown = "" if has_secret else one_line(text, TEXT_MAX)
    if shown != text:
        shown += "#" + sha256(text.encode(errors="surrogatepass")).hexdigest()[:HASH_CHARS]
    return f"{PREFIX}{flow.id}/{shown}"
