"""Pending runs as placement sees them."""

from collections.abc import Sequence
from typing import NamedTuple

from floe.model.flow import Flow
from floe.model.ids import FlowId, HostId, RunRef
from floe.model.pend import Pend
from floe.model.run import Run
from floe.model.secret_name import SecretName
from floe.model.why import Why


class PendNeeds(NamedTuple):
    """What a pend needs: pends with equal needs get equal answers of the placement."""

    host_tags: frozenset[str]
    resource_tags: tuple[str, ...]
    secrets: frozenset[SecretName]
    group: str
    """In which a place is to be free."""
    space: FlowId | None
    """The flow whose one workspace is to be free."""
    prefers: HostId | None
    only: HostId | None
    sealed: bool
    begun: bool


def pend_needs(pend: Pend) -> PendNeeds:
    """What a pend needs of a host, for placement."""
    space = pend.flow if pend.reuse_space else None
    return PendNeeds(
        pend.host_tags,
        pend.resource_tags,
        pend.secrets,
        pend.group,
        space,
        pend.prefers,
        pend.only,
        pend.sealed,
        pend.begun,
    )


def pend_of(run: Run, flow: Flow) -> Pend:
    """A run that waits as a pend, for placement."""
    of = run.rerun_of if run.rerun_of and run.rerun_of.workspace else None
    return Pend(
        run=run.ref,
        flow=run.flow_id,
        host_tags=frozenset(flow.host_tags),
        resource_tags=flow.resource_tags,
        reuse_space=flow.reuse_space,
        secrets=flow.secret_names,
        prefers=of.host if of else None,
        only=of.host if of and of.same_host else run.only,
        group=run.group,
        sealed=run.sealed,
        begun=run.started_at is not None,
    )


class PendQueue(NamedTuple):
    """Pending runs with equal needs, and the reason why they wait."""

    why: Why
    runs: Sequence[RunRef]
    """Oldest first."""
