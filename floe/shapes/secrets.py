"""The secrets of a host as JSON: their names, never their values."""

from collections.abc import Collection, Mapping, Sequence

from floe.model.codec import iso
from floe.model.flow import Flow
from floe.model.ids import FlowId, Shape
from floe.model.secret_name import SecretName
from floe.nodes.base import KeyUse, ShownSecret


def secrets_shape(has: Sequence[ShownSecret], flows: Sequence[Flow]) -> Shape:
    """The secrets that a host has, and those that its flows name and it lacks."""
    users = _flows_by_secret(flows)
    missing = sorted(users.keys() - {one.name for one in has})
    return {
        "secrets": [_secret(one, users.get(one.name, ())) for one in has],
        "missing": [{"name": name, "flows": sorted(users[name])} for name in missing],
    }


def rotated_shape(use: KeyUse) -> Shape:
    """The keys of a vault after a rotation."""
    return {
        "key": use.key,
        "secrets": len(use.names),
        "runs": use.runs,
        "others": [{"key": key, "secrets": sorted(names)} for key, names in use.others.items()],
    }


def _flows_by_secret(flows: Sequence[Flow]) -> Mapping[SecretName, Collection[FlowId]]:
    """The flows that name each secret, as far as their flow-files were read."""
    users: dict[SecretName, set[FlowId]] = {}
    for flow in flows:
        for name in flow.secret_names:
            users.setdefault(name, set()).add(flow.id)
    return users


def _secret(shown: ShownSecret, flows: Collection[FlowId]) -> Shape:
    return {
        "name": shown.name,
        "source": shown.source,
        "set_at": iso(shown.set_at),
        "set_by": shown.set_by,
        "problem": shown.problem,
        "flows": sorted(flows),
    }
