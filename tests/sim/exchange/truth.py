"""What is true of the exchange, whatever hosts and packs believe, and what has to hold."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from floe.dialects.flyte.compiled import UNJUDGED, step_of
from floe.dialects.pack_work import labels_in, queue_of
from floe.kernel.why import why
from floe.model.call import OutsideWork
from floe.model.ids import NodeId
from floe.model.passes import RunOpened
from floe.model.run import NodeState, Run
from floe.server.flyte import events
from tests.sim.exchange.packs import FLOWS, LATE, Process, Shape, action_in, opens
from tests.sim.truth import Broken

if TYPE_CHECKING:
    from tests.sim.exchange.server import Server
    from tests.sim.exchange.world import World

OK: Final = 200
FORBIDDEN: Final = 403
NOT_FOUND: Final = 404


@dataclass
class SentEvent:
    """An event, or a result, which is one."""

    shape: Shape
    pack: str
    """The name of its sender."""
    action: str
    """The action whose result it is; empty for none."""
    at: int
    """When it was sent first."""
    host: "Server | None"
    """The host that keeps it, if it is accepted; None for not known yet."""
    is_accepted: bool = False


class Take(NamedTuple):
    """What became of the answer to a take."""

    fate: str
    """`sent` with the action, `lost` after that, or `kept`: the host sent no action."""
    host: str
    life: int
    """Of the host then."""


@dataclass
class Truth:
    """What happened."""

    world: "World"
    counts: Counter[str] = field(default_factory=Counter)
    events: dict[int, SentEvent] = field(default_factory=dict)
    at: dict[str, Process] = field(default_factory=dict)
    """By action: the process that got it."""
    dropped: set[str] = field(default_factory=set)
    """The actions whose processes died with them, or gave up to send the result."""
    counted: dict[str, int] = field(default_factory=dict)
    """By action: the event of the result that a process knows to count."""
    known: dict[str, int] = field(default_factory=dict)
    """Packs, and since when their registration is confirmed."""
    _flows: dict[str, int] = field(default_factory=dict)
    """Flows, and since when they are confirmed."""
    _deleting: Counter[str] = field(default_factory=Counter)
    takes: dict[str, Take] = field(default_factory=dict)
    """By name; none of a host that died meanwhile."""

    # --- packs ---

    def registered(self, pack: str) -> None:
        """A registration is confirmed."""
        if not self._deleting[pack]:
            self.known.setdefault(pack, self.world.now)

    def deleting(self, pack: str) -> None:
        """Somebody asks to delete a pack."""
        self.known.pop(pack, None)
        self._deleting[pack] += 1

    def deleted(self, pack: str, status: int, body: bytes) -> None:
        """That is answered; without an answer it may still come."""
        self._deleting[pack] -= bool(status)

    def unknown_pack(self, pack: str, since: int) -> None:
        """A pack was told that it is not registered, by the answer to what it asked then."""
        self.counts["404"] += 1
        if self.known.get(pack, since + 1) <= since:
            raise Broken(f"keeper_knows_each_404: {pack} is registered since {self.known[pack]}")

    # --- flows ---

    def posted(self, flow: str) -> None:
        """A flow is confirmed; events after that open its runs."""
        self._flows.setdefault(flow, self.world.now)

    # --- events and results ---

    def event(self, sender: Process, name: str, action: str = "") -> Shape:
        """A new event."""
        number = len(self.events) + 1
        kind = "join" if self.world.random.random() < 0.3 else "plain"
        shape = {"event": name, "payload": {"n": f"{number}", "kind": kind}}
        host = self.world.host_of(action) if action else None
        self.events[number] = SentEvent(shape, sender.name, action, self.world.now, host)
        return shape

    def heard(self, number: str, pack: str, since: int, status: int, body: bytes) -> None:
        """An event was answered."""
        self.counts[f"event {status}"] += 1
        if status == NOT_FOUND:
            self.unknown_pack(pack, since)
        if status == 202:
            event = self.events[int(number)]
            event.is_accepted = True
            self.world.tell(f"event {number} is accepted")
            assert event.host is not None, "it was sent"
            self.world.strike(event.host)

    def answered(
        self, action: str, number: str, status: int, body: bytes, since: int, pack: str
    ) -> None:
        """A result was answered."""
        self.counts[f"result {status}"] += 1
        self.world.tell(f"result {number} of {action}: {status} {body!r}")
        if status == NOT_FOUND:
            if body.startswith(b"no pack"):
                self.unknown_pack(pack, since)
            elif not self.world.host_of(action).is_gone:
                raise Broken(f"keeper_knows_each_404: {action} is there: {body!r}")
        if status == FORBIDDEN:
            raise Broken(f"action_fits_its_pack: {action} at {pack}")
        if status == 202:
            if (before := self.counted.get(action)) is not None:
                raise Broken(f"result_counts_once: {action} has {before} and {number}")
            self.counted[action] = int(number)
            self.events[int(number)].is_accepted = True
            self.world.strike(self.world.host_of(action))

    def gave_up(self, actions: Iterable[str]) -> None:
        """Processes will not answer these."""
        self.dropped |= set(actions)

    # --- takes ---

    def delivered(self, process: Process, action: str, shape: Shape) -> None:
        """A process got an action."""
        self.counts["taken"] += 1
        self.world.tell(f"{process.id} has {action}: {shape['command']}")
        if (other := self.at.get(action)) is not None:
            raise Broken(f"action_has_one_pack: {action} is at {other.id} and {process.id}")
        self.at[action] = process

    def unheard(self, handler: object, status: int, body: bytes) -> None:
        """An answer came after the death of its process."""
        if handler is events.take and status == OK:
            self.gave_up([action_in(json.loads(body))])

    # --- the end ---

    def judge(self) -> None:
        """What has to hold once all is calm."""
        runs = [(server, ref) for server in self.world.living() for ref in server.disk.logs]
        opened: dict[int, list[str]] = {}
        ended: dict[str, int] = {}
        for server, ref in runs:
            run = server.run(ref)
            first = server.disk.logs[ref][0].event
            assert isinstance(first, RunOpened)
            opened.setdefault(_number(first.values["event"]), []).append(_name(run))
            self.counts["runs"] += 1
            self._judge_run(run, ended)
        for server in self.world.living():
            if waiting := len(server.core.site.inbox):
                raise Broken(f"every_event_leaves: {waiting} wait at {server.id}")
        for number, event in self.events.items():
            self._judge_event(number, event, opened.get(number, []))
        for action, number in self.counted.items():
            if ended.get(action) != number and not self.world.host_of(action).is_gone:
                raise Broken(f"accepted_result_is_kept: {action} has {ended.get(action)}")
        for number in ended.values():
            self._judge_event(number, self.events[number], opened.get(number, []), is_kept=True)

    def _judge_event(
        self, number: int, event: SentEvent, found: list[str], *, is_kept: bool = False
    ) -> None:
        if event.host is None or event.host.is_gone:
            return
        may = {flow["name"] for flow in (*FLOWS, LATE) if opens(flow, event.shape, event.pack)}
        must = {name for name in may if self._flows.get(name, event.at) < event.at}
        if len({*found}) < len(found):
            raise Broken(f"event_opens_once: {number} opened {found}")
        is_over = event.is_accepted or is_kept or found
        if is_over and not must <= {*found} <= may:
            raise Broken(f"accepted_event_opens_its_runs: {number} opened {found}, not {must}")

    def _judge_run(self, run: Run, ended: dict[str, int]) -> None:
        assert run.flow is not None
        steps = {node.id: step_of(node) for node in run.flow.nodes}
        for node, state in run.nodes.items():
            action = self.world.action_id(run, node)
            assert isinstance(state.work, OutsideWork)
            if (process := self.at.get(action)) is not None:
                _check_fit(process, state.work)
            if state.attempts:
                if state.state == UNJUDGED:
                    raise Broken(f"result_is_judged: {run.ref} {node}")
                ended[action] = _number(state.outputs)
                self._judge_followers(run, node, steps, state.outputs)
            elif run.phase != "ended":
                self._judge_open(run, action, state)
        if run.phase == "ended" and any(not state.attempts for state in run.nodes.values()):
            raise Broken(f"run_ends_with_its_actions: {run.ref}")
        if run.phase != "ended" and all(state.attempts for state in run.nodes.values()):
            raise Broken(f"run_ends_with_its_actions: {run.ref} goes on")

    def _judge_followers(
        self, run: Run, node: NodeId, steps: dict[NodeId, Shape], event: Any
    ) -> None:
        """Each step that a result sets off has an action."""
        id = steps[node].get("id", "")
        sent = event["pack"]["name"], event["event"]
        for other, step in steps.items():
            awaits = step["event"]["packName"], step["event"]["name"]
            follows = awaits == sent and id in step.get("dependsOn", ())
            if follows and other not in run.nodes:
                raise Broken(f"step_follows_its_result: {run.ref} has no {other} after {node}")

    def _judge_open(self, run: Run, action: str, state: NodeState) -> None:
        """An action without its result is at a process that never answers, or its delivery is
        unknown, and then `why` names it."""
        taken = state.takes
        if taken is None or not taken.take:
            raise Broken(f"offered_action_is_taken: {run.ref} {state.work} is not")
        take, through = self.takes.get(taken.take), self.world.servers[str(taken.through)]
        may_be_unknown = through.is_gone or through.life > (take.life if take else 1)
        if take is not None and take.fate == "sent" and action not in self.dropped:
            at = self.at[action].id if action in self.at else "none"
            raise Broken(f"taken_action_has_a_pack: {action} of {run.ref} is at {at}")
        if (take is None or take.fate == "kept") and not may_be_unknown:
            raise Broken(f"gone_taker_gives_back: {action} of {run.ref} through {through.id}")
        self.counts[f"open: {'delivery unknown' if action not in self.at else 'pack died'}"] += 1
        text = why(run).text
        if taken.by not in text or str(taken.through) not in text:
            raise Broken(f"open_action_has_a_reason: {run.ref}: {text}")


def _check_fit(process: Process, work: OutsideWork) -> None:
    wanted = labels_in(work.labels)
    if work.queue != queue_of(process.name) or not wanted.items() <= process.labels.items():
        raise Broken(f"action_fits_its_pack: {work.queue} {wanted} at {process.id}")


def _number(event: Any) -> int:
    return int(event["payload"]["n"])


def _name(run: Run) -> str:
    assert run.flow is not None
    return run.flow.name
