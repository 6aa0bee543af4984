"""Secrets in documents: a name, or a map with the name; and whether the flow lists them."""

from collections.abc import Mapping
from typing import Final

from floe.dialects.kinds import Schema, Text, Unfit, ValueKind
from floe.dialects.nearest import closest
from floe.dialects.notes import Notes, Position
from floe.dialects.tree import Items, Scalar, Table, Tree
from floe.model.flow import Flow
from floe.model.ids import NodeId
from floe.model.nouns import dataclass
from floe.model.secret_name import NAME_LIKE, NAME_PATTERN, SecretName, SecretRef, SecretUse
from floe.model.ssh import Ssh
from floe.model.tags import Tag
from floe.model.work import Exec, Work

SECRET_TEXT: Final = Text(NAME_PATTERN, NAME_LIKE)


@dataclass(frozen=True)
class SecretUseKind:
    """Kind of value: a secret's name, or a map with it and how a command gets the value."""

    part: ValueKind[SecretUse]
    label: str = "name or map"

    def read(self, tree: Tree, key: str, notes: Notes) -> SecretUse:
        if isinstance(tree, Scalar):
            return SecretUse(name=SecretName(SECRET_TEXT.read(tree, key, notes)))
        return self.part.read(tree, key, notes)

    def schema(self) -> Schema:
        return {"anyOf": [SECRET_TEXT.schema(), self.part.schema()]}


@dataclass(frozen=True)
class SecretRefKind:
    """Kind of value: a secret, `{secret: NPM_TOKEN}`, in place of a text."""

    label: str = "{secret: NAME}"

    def read(self, tree: Tree, key: str, notes: Notes) -> SecretRef:
        if not isinstance(tree, Table) or [*tree.entries] != ["secret"]:
            found = "a list" if isinstance(tree, Items) else "this"
            what = f"`{key}` takes the name of a secret, not {found}"
            raise Unfit(tree.at, what, f"{key}: {{secret: NPM_TOKEN}}")
        return SecretRef(
            SecretName(SECRET_TEXT.read(tree.entries["secret"].value, "secret", notes))
        )

    def schema(self) -> Schema:
        return {
            "type": "object",
            "properties": {"secret": SECRET_TEXT.schema()},
            "required": ["secret"],
            "additionalProperties": False,
        }


def uses_of(
    uses: tuple[SecretUse, ...], work: Work, at: Position, notes: Notes
) -> tuple[SecretUse, ...]:
    """The secrets of a task's command; reports a task without a command, and a name used twice."""
    if uses and not isinstance(work, Exec | Ssh):
        what = "only the command of an `exec` or `ssh` task gets secrets by name"
        notes.error(at, what, "remove `secrets`")
    if isinstance(work, Ssh) and (file := next((use for use in uses if use.file), None)):
        what = f"the command of an ssh task cannot read a file with {file.name} on this host"
        notes.error(at, what, f"secrets: [{file.name}]  (as a variable)")
    names = [use.name for use in uses]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        notes.error(at, f"`secrets` lists `{name}` twice", "remove one")
    return uses


def check_secrets(
    flow: Flow,
    positions: Mapping[tuple[NodeId, Tag | None], Position],
    at: Position,
    notes: Notes,
) -> None:
    """Report secrets that the list of the flow lacks, and those in it that no node needs."""
    if not flow.secrets:
        return
    needed: set[SecretName] = set()
    for node in flow.nodes:
        needed |= node.secret_names
        for name in sorted(node.secret_names - {*flow.secrets}):
            what = f"`{node.id}` needs the secret {name}, which `secrets` of the flow does not list"
            hint = closest(name, flow.secrets) or f"add {name} to `secrets` of the flow"
            notes.error(positions[node.id, None], what, hint)
    for name in flow.secrets if flow.nodes else ():
        if name not in needed:
            notes.warning(at, f"no task needs the secret {name}", "remove it from `secrets`")
