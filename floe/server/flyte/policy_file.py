"""Reads the policy file of flyte's API. Texts count as they are written: `1` and `"1"` are equal.

Source: `compat/flyte/auth/policy.yaml`, which flyte's own tests use.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from floe.dialects.notes import Notes, Position
from floe.dialects.tree import DOCUMENT_BYTES_MAX, Items, Scalar, Table, Tree, decoded, parse_yaml
from floe.files import read_named, reason_of
from floe.model.errors import ConfigInvalid
from floe.server.flyte.policy import (
    METHODS,
    UNNAMED,
    Claims,
    FlyteAccess,
    Issuer,
    Policy,
    PolicyEntry,
)

KEYS: Final = ("path", "methods", "claims")


def read_access(path: Path | None, issuer: Issuer | None) -> FlyteAccess | None:
    """The access by a policy file and an issuer; None without them. Raises ConfigInvalid."""
    if path is None or issuer is None:
        return None
    return FlyteAccess(policy=read_policy(path), issuer=issuer)


def read_policy(path: Path) -> Policy:
    """The policy in a file. Raises ConfigInvalid with all errors, each with its line."""
    notes = Notes(str(path))
    try:
        text = decoded(read_named(path, DOCUMENT_BYTES_MAX), notes)
    except (OSError, ValueError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else str(error)
        notes.error(Position(), f"cannot be read: {reason}", "check `policy` of `flyte`")
        text = None
    policy = policy_in(text, notes) if text is not None else None
    if policy is None:
        raise ConfigInvalid(notes.findings)
    return policy


def policy_in(text: str, notes: Notes) -> Policy | None:
    """The policy in a text; None, with findings, for an invalid one."""
    tree = parse_yaml(text, notes)
    if tree is None:
        return None
    if not isinstance(tree, Items):
        notes.error(tree.at, "a policy is a list of entries", "- path: /v1/packs")
        return None
    entries = [_entry(item, notes) for item in tree.items]
    return Policy(filter(None, entries)) if not notes.errors else None


def _entry(tree: Tree, notes: Notes) -> PolicyEntry | None:
    if not isinstance(tree, Table):
        notes.error(tree.at, "an entry of a policy is a map", "- path: /v1/packs")
        return None
    for name, (at, _) in tree.entries.items():
        if name not in KEYS:
            notes.error(at, f"an entry of a policy has no `{name}`", "path, methods, claims")
    if (path := tree.entries.get("path")) is None or not isinstance(path.value, Scalar):
        notes.error(path.value.at if path else tree.at, "an entry needs a path, such as /v1/packs")
        return None
    return PolicyEntry(
        path=tuple(_segments(path.value, notes)),
        methods=_methods(_value(tree, "methods"), notes),
        claims=_claims(_value(tree, "claims"), notes),
    )


def _value(tree: Table, name: str) -> Tree | None:
    entry = tree.entries.get(name)
    if entry is None or (isinstance(entry.value, Scalar) and entry.value.kind == "nothing"):
        return None
    return entry.value


def _segments(path: Scalar, notes: Notes) -> Iterator[str]:
    if not path.text.startswith("/"):
        notes.error(path.at, f"the path `{path.text}` does not begin with `/`")
        return
    for segment in path.text[1:].split("/"):
        if segment == ":" or ":" in segment[1:] or ("*" in segment and segment != "*"):
            what = f"`{segment}` in a path is neither text nor `:name` nor `*`"
            notes.error(path.at, what, "a name or `*` is a whole segment")
        yield segment


def _methods(tree: Tree | None, notes: Notes) -> tuple[str, ...]:
    if tree is None:
        return UNNAMED
    found = tuple(_texts(tree, "methods", notes))
    for each in found:
        if each not in METHODS:
            notes.error(tree.at, f"`{each}` is no method of HTTP", ", ".join(METHODS))
    return found


def _claims(tree: Tree | None, notes: Notes) -> Claims:
    found: Mapping[str, tuple[str, ...]] = {}
    if isinstance(tree, Table):
        found = {
            name: tuple(_texts(entry.value, name, notes)) for name, entry in tree.entries.items()
        }
    elif tree is not None:
        notes.error(tree.at, "claims are a map of names to lists", "claims: {groups: [dev]}")
    return found


def _texts(tree: Tree, name: str, notes: Notes) -> Iterator[str]:
    if not isinstance(tree, Items):
        notes.error(tree.at, f"`{name}` is a list", f"{name}: […]")
        return
    for item in tree.items:
        if isinstance(item, Scalar):
            yield item.text
        else:
            notes.error(item.at, f"`{name}` is a list of texts")
