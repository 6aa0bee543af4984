"""The flows of the simulation, and the processes of packs, which behave as flyte's client in Go."""

import json
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from floe.server.flyte import events, packs
from tests.sim.exchange.tasks import Call

if TYPE_CHECKING:
    from tests.sim.exchange.world import World

POLL_MS: Final = 500
TIMEOUT_MS: Final = 10_000
"""How long a client waits for an answer."""

Shape = dict[str, Any]


def _step(id: str, event: str, command: str, *after: str, **more: Any) -> Shape:
    """A step, from `Pack.Event` and `Pack.Command`; each hands the number of the event on."""
    of, name = event.split(".")
    to, do = command.split(".")
    step: Shape = {
        "id": id,
        "event": {"packName": of, "name": name},
        "context": {id or "none": "{{ Event.Payload.n }}"},
        "command": {"packName": to, "name": do, "input": {"n": "{{ Event.Payload.n }}"}},
    }
    if after:
        step["dependsOn"] = list(after)
    if "labels" in more:
        step["command"]["packLabels"] = more.pop("labels")
    return step | more


FLOWS: Final[tuple[Shape, ...]] = (
    {
        "name": "chain",
        "steps": [
            _step("one / ü", "P.Started", "P.Do"),
            _step("two", "P.Done", "P.Then", "one / ü"),
            _step("far", "P.Done", "Q.Note", "one / ü", labels={"env": "x"}),
        ],
    },
    {"name": "heard", "steps": [_step("", "P.Done", "Q.Note")]},
    {
        "name": "join",
        "steps": [
            _step("a", "P.Started", "P.Do", criteria="{{ Event.Payload.kind == 'join' }}"),
            _step("b", "P.Started", "P.Do", criteria="{{ Event.Payload.kind == 'join' }}"),
            _step("c", "P.Done", "P.Then", "a", "b"),
        ],
    },
)

LATE: Final[Shape] = {"name": "late", "steps": [_step("z", "P.Started", "Q.Note")]}
"""Is posted while events flow."""

PACKS: Final[tuple[tuple[str, dict[str, str]], ...]] = (
    ("P", {}),
    ("P", {}),
    ("P", {"env": "y"}),
    ("Q", {"env": "x"}),
    ("Q", {}),
)
"""The processes, by their names and labels."""

RESULTS: Final = {"Do": "Done", "Then": "Finished", "Note": "Noted"}


def opens(flow: Shape, event: Shape, pack: str) -> bool:
    """Whether a fresh event opens a run of a flow."""
    step = flow["steps"][0]
    if (step["event"]["packName"], step["event"]["name"]) != (pack, event["event"]):
        return False
    return "criteria" not in step or event["payload"]["kind"] == "join"


def action_in(shape: Shape) -> str:
    """The id of an action that was taken."""
    [link] = shape["links"]
    return str(link["href"]).split("/")[-2]


@dataclass(eq=False)
class Process:
    """A process of a pack."""

    world: "World"
    name: str
    labels: dict[str, str]
    retries: bool
    """Whether it sends a result again that was not answered."""
    life: int = 0
    """Counts its starts."""
    is_up: bool = False
    held: dict[str, Shape] = field(default_factory=dict)
    """The actions that it carries out, by id."""

    @property
    def id(self) -> str:
        """Of its pack."""
        return ".".join([self.name, *(f"{k}.{v}" for k, v in sorted(self.labels.items()))])

    def start(self) -> None:
        """Start, unless it runs, and register until that is answered."""
        if self.is_up:
            return
        self.life += 1
        self.is_up, self.held = True, {}
        self._register()

    def stop(self) -> None:
        """End, with all that it had."""
        self.is_up = False
        self.world.truth.gave_up(self.held)
        self.held = {}

    def _later(self, ms: int, call: Any) -> None:
        life = self.life
        self.world.at(ms, lambda: call() if self.is_up and self.life == life else None)

    def _ask(self, handler: Any, call: Call, done: Any) -> None:
        life = self.life

        def answered(status: int, body: bytes) -> None:
            if self.is_up and self.life == life:
                done(status, body)
            else:
                self.world.truth.unheard(handler, status, body)

        self.world.ask(handler, call, answered)

    def _register(self) -> None:
        shape: Shape = {"name": self.name, "commands": [{"name": one} for one in RESULTS]}
        shape |= {"labels": self.labels} if self.labels else {}
        self._ask(packs.register, Call(json.dumps(shape).encode()), self._registered)

    def _registered(self, status: int, body: bytes) -> None:
        if status != 201:
            self._later(3 * POLL_MS, self._register)
            return
        self.world.truth.registered(self.id)
        self._poll()

    def _poll(self) -> None:
        self._ask(events.take, Call(pack=self.id), partial(self._polled, self.world.now))

    def _polled(self, since: int, status: int, body: bytes) -> None:
        if status == 404:
            self.world.truth.unknown_pack(self.id, since)
            self.stop()
            self.world.at(2 * POLL_MS, self.start)
            return
        self._later(self.world.random.randint(POLL_MS // 2, POLL_MS), self._poll)
        if status == 200:
            action = json.loads(body)
            id = action_in(action)
            self.world.truth.delivered(self, id, action)
            self.held[id] = action
            self.world.strike(self.world.host_of(id))
            for _ in range(1 + (self.world.random.random() < 0.1)):  # or it answers twice
                delay = self.world.random.choice((5, 50, 800))
                self._later(delay, partial(self._answer, id, action["command"], None))

    def _answer(self, id: str, command: str, event: Shape | None) -> None:
        if event is None:
            name = "FATAL" if self.world.random.random() < 0.1 else RESULTS[command]
            event = self.world.truth.event(self, name, id)
        call = Call(json.dumps(event).encode(), pack=self.id, action=id)
        since = self.world.now
        self._ask(events.result, call, partial(self._answered, id, command, event, since))

    def _answered(
        self, id: str, command: str, event: Shape, since: int, status: int, body: bytes
    ) -> None:
        truth = self.world.truth
        truth.answered(id, event["payload"]["n"], status, body, since, self.id)
        if status in (202, 500):
            self.held.pop(id, None)
        elif self.world.host_of(id).is_gone:
            truth.gave_up([id])
            self.held.pop(id, None)
        elif self.retries or self.world.is_calm:
            self._later(POLL_MS, partial(self._answer, id, command, event))
        else:  # as the client in Go: it only writes that to its log
            truth.gave_up([id])
            self.held.pop(id, None)

    def send(self) -> None:
        """Send an event that begins something."""
        event = self.world.truth.event(self, "Started")
        call = Call(json.dumps(event).encode(), pack=self.id)
        number = event["payload"]["n"]
        done = partial(self.world.truth.heard, number, self.id, self.world.now)
        self.world.truth.events[int(number)].host = self.world.ask(events.post, call, done)
