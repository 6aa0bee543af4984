"""The world of a trial: hosts, packs, what is on its way between them, and what befalls them."""

import heapq
import json
import sys
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any, Final

from floe.dialects.flyte.actions import number_of
from floe.dialects.flyte.ids import FlyteId, id_in, id_text
from floe.host.inputs import Forget, Incoming, Received
from floe.model.ids import HostId, NodeId
from floe.model.nouns import replace
from floe.model.peer_message import Envelope
from floe.model.run import Run
from floe.server.flyte import copies, flows, packs, results
from tests.make import NOW
from tests.sim.exchange.packs import FLOWS, LATE, PACKS, TIMEOUT_MS, Process
from tests.sim.exchange.server import KEEPER, Handler, Server
from tests.sim.exchange.tasks import Call, Relay, Task, at_once
from tests.sim.exchange.truth import OK, Take, Truth
from tests.sim.truth import Broken

NAMES: Final = ("h1", "h2", "h3")
STORM_MS: Final = 4_000
CALM_MS: Final = 40_000
EVENTS: Final = 3
CREATED: Final = 201
AGAIN_MS: Final = 300
FAULTS: Final = ("crash", "power", "part", "refuse", "kill", "delete", "post", "forget")


class Exchanged:
    """A request of a client, and what becomes of it."""

    def __init__(
        self, world: "World", server: Server, call: Call, done: Callable[[int, bytes], None]
    ) -> None:
        self._world, self._server, self._call, self._done = world, server, call, done
        self._is_over = False
        self._task: Task | None = None
        self._is_lost = world.chance(world.loss / 4)

    def begin(self, handler: Handler) -> None:
        """Send it."""
        world = self._world
        world.at(TIMEOUT_MS, self._time_out)
        if world.chance(world.loss / 4):
            return
        world.under_way.add(self)
        world.at(world.random.choice((1, 3)), lambda: self._arrive(handler))
        if world.chance(0.05):
            world.at(world.random.choice((5, 10, 1000)), self._leave)

    def _arrive(self, handler: Handler) -> None:
        if self._server.is_up:
            self._task = self._server.serve(handler, self._call, self._answered, self._fail)
        else:
            self._fail()

    def _leave(self) -> None:
        """The client goes away, and the host notices."""
        if not self._is_over:
            self._call.link.is_gone = True
            self._fail()

    def _fail(self) -> None:
        self._finish(0, b"")

    def _time_out(self) -> None:
        if not self._is_over and self._task is not None and not self._is_lost:
            raise Broken(f"every_call_is_answered: {self._call.match_info} at {self._server.id}")
        self._fail()

    def _answered(self, response: Any) -> None:
        """The handler returned: the host writes its answer, unless the client is gone."""
        if self._call.link.is_gone or response.status != OK:
            self._end("kept")
        elif self._is_lost:
            self._end("lost")
        else:
            self._end("sent")
        if self._is_lost:
            self._world.under_way.discard(self)
        elif not self._call.link.is_gone:
            arrive = partial(self._finish, response.status, response.body or b"")
            self._world.at(self._world.random.choice((1, 3)), arrive)

    def _finish(self, status: int, body: bytes) -> None:
        if self._is_over and status == OK:
            self._end("lost")
        self._world.under_way.discard(self)
        if not self._is_over:
            self._is_over = True
            self._done(status, body)

    def _end(self, fate: str) -> None:
        """What became of an answer, if it is that to a take."""
        if self._task is not None and self._task.take:
            ended = Take(fate, str(self._server.id), self._server.life)
            self._world.truth.takes[self._task.take] = ended


class World:
    """One trial."""

    def __init__(self, seed: int, *, story: bool = False) -> None:
        self.random = Random(seed)
        self.now = int(NOW)
        self._story = story
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self.is_calm = True
        self.loss = self.random.choice((0.0, 0.05, 0.2))
        self._cut: set[frozenset[str]] = set()
        self.under_way: set[Exchanged] = set()
        """The requests whose clients wait for something that still comes."""
        self.truth = Truth(self)
        self.servers: dict[str, Server] = {}
        for name in NAMES:
            self.servers[name] = Server(self, name, len(NAMES) - 1)
        self.processes = [
            Process(self, name, labels, self.random.random() < 0.5) for name, labels in PACKS
        ]

    # --- a trial ---

    def play(self) -> None:
        """The storm, the calm, and the judgement. Raises Broken."""
        self.run(self.now + 100)
        for flow in FLOWS:
            self._post(flow)
        self.at(self.random.randint(1600, 1600 + STORM_MS), lambda: self._post(LATE))
        for process in self.processes:
            self.at(self.random.randint(0, 1500), process.start)
        self.run(self.now + 1500)
        self.is_calm = False
        for _ in range(EVENTS):
            self.at(self.random.randint(0, STORM_MS), self._send)
        for _ in range(self.random.randint(0, 5)):
            self.at(self.random.randint(0, STORM_MS), self._fault)
        self.run(self.now + STORM_MS)
        self._calm()
        until = self.now + CALM_MS
        while self.now < until and not self.is_over():
            self.run(self.now + 500)
        self.truth.judge()

    def _calm(self) -> None:
        self.tell("all is well")
        self.is_calm = True
        self._cut.clear()
        for server in self.servers.values():
            server.refusals = 0
            if not (server.is_up or server.is_gone):
                server.start()
        for process in self.processes:
            process.start()

    def is_over(self) -> bool:
        """Whether nothing is to come but what never comes."""
        if self.under_way:
            return False
        for server in self.living():
            if len(server.core.site.inbox) or not self._is_idle(server):
                return False
        return not any(process.held for process in self.processes)

    def living(self) -> list[Server]:
        """The hosts that are not gone for good."""
        return [server for server in self.servers.values() if not server.is_gone]

    def _is_idle(self, server: Server) -> bool:
        if server.is_serving:
            return False
        for run in map(server.run, server.disk.logs):
            if run.phase == "ended":
                continue
            for state in run.nodes.values():
                if not state.attempts and (state.takes is None or not state.takes.take):
                    return False
                if state.phase == "judging":
                    return False
        assert server.core.cluster is not None
        kinds = {kind for _, kind, _, _ in server.core.cluster.outbox.waiting()}
        return not kinds & {"seek", "take", "untake"}

    def run(self, until: int) -> None:
        """Let all happen that is to happen until then."""
        while self._heap and self._heap[0][0] <= until:
            self.now, _, call = heapq.heappop(self._heap)
            call()
        self.now = until

    def at(self, ms: int, call: Callable[[], None]) -> None:
        """Call later."""
        self._count += 1
        heapq.heappush(self._heap, (self.now + ms, self._count, call))

    def chance(self, share: float) -> bool:
        """Whether something happens, that never does in calm."""
        return not self.is_calm and self.random.random() < share

    def tell(self, text: str) -> None:
        """Add a line to the story."""
        if self._story:
            sys.stdout.write(f"{(self.now - NOW) / 1000:9.3f}  {text}\n")

    # --- between hosts ---

    def send(self, sender: HostId, envelope: Envelope) -> None:
        """Carry a message."""
        for name, server in self.servers.items():
            if name == sender or envelope.to_host not in (None, name):
                continue
            for _ in range(1 + self.chance(self.loss)):
                if self._is_cut(sender, name) or self.chance(self.loss):
                    self.truth.counts[f"{type(envelope.message).__name__} lost"] += 1
                    continue
                late = self.random.choice((5, 50, 3000)) if self.chance(0.2) else 2
                self.at(self.random.randint(1, late), partial(self._receive, server, envelope))

    def _receive(self, server: Server, envelope: Envelope) -> None:
        if server.is_up:
            to = replace(envelope, to_host=server.id)
            server.put(Incoming(input=Received(envelope=to)))

    def _is_cut(self, one: str, other: str) -> bool:
        return frozenset((one, other)) in self._cut

    def relay(self, server: Server, task: Task, relayed: Relay) -> None:
        """Let a different host answer a request."""
        there, life = self.servers[relayed.host], server.life

        def back(found: tuple[int, bytes] | None) -> None:
            if server.is_up and server.life == life:
                task.resume(found)

        if not there.is_up:
            self.at(1, lambda: back(None))
            return
        if self._is_cut(server.id, there.id) or self.chance(self.loss):
            self.at(5000, lambda: back(None))
            return
        call = Call(relayed.request.body)
        path, _, action = relayed.request.path.partition("?action=")
        call.query["action"] = action
        handler = {results.PATH: results.serve, copies.PATH: copies.serve}[path]
        is_lost = self.chance(self.loss)

        def answered(response: Any) -> None:
            found = (0, b"") if is_lost else (response.status, response.body)
            self.at(self.random.choice((1, 3)), lambda: back(found))

        def arrive() -> None:
            if not there.is_up:
                back(None)
                return
            there.serve(handler, call, answered, lambda: back((0, b"")))

        self.at(self.random.choice((1, 3)), arrive)

    # --- between packs and hosts ---

    def ask(self, handler: Handler, call: Call, done: Callable[[int, bytes], None]) -> Server:
        """Send a request to any host; `done` gets status 0 where it is not answered."""
        server = self.servers[self.random.choice(NAMES)]
        self.ask_at(server, handler, call, done)
        return server

    def ask_at(
        self, server: Server, handler: Handler, call: Call, done: Callable[[int, bytes], None]
    ) -> None:
        """The same to this host."""
        Exchanged(self, server, call, done).begin(handler)

    def _post(self, flow: dict[str, Any]) -> None:
        """Post a flow, until it is stored."""

        def done(status: int, body: bytes) -> None:
            if status == CREATED:
                self.truth.posted(flow["name"])
            else:
                self.at(AGAIN_MS, lambda: self._post(flow))

        self.ask(flows.post, Call(json.dumps(flow).encode()), done)

    def _send(self) -> None:
        senders = [one for one in self.processes if one.is_up and one.name == "P"]
        if senders:
            self.random.choice(senders).send()

    def action_id(self, run: Run, node: NodeId) -> str:
        """The id of an action, as packs know it."""
        key = at_once(self.servers[KEEPER].site.ids.key())
        return id_text(FlyteId(run.ref, number_of(node)), key)

    def host_of(self, action: str) -> Server:
        """The host with the run of an action."""
        stores = [(server.id, server.store) for server in self.servers.values()]
        found = id_in(action, stores, at_once(self.servers[KEEPER].site.ids.key()))
        assert found is not None, "it is an id"
        return self.servers[found.run.host]

    # --- faults ---

    def _fault(self) -> None:
        kind = self.random.choice(FAULTS)
        server = self.servers[self.random.choice(NAMES)]
        self.truth.counts[kind] += 1
        self.tell(f"{kind} {server.id}")
        match kind:
            case "crash" | "power":
                self.failed(server, power=kind == "power")
            case "part":
                pair = frozenset(self.random.sample(NAMES, 2))
                self._cut.add(pair)
                self.at(self.random.randint(500, 5000), lambda: self._cut.discard(pair))
            case "refuse":
                server.refusals = self.random.randint(1, 3)
            case "kill":
                process = self.random.choice(self.processes)
                if process.is_up:
                    process.stop()
                    self.at(self.random.randint(100, 3000), process.start)
            case "forget":
                self._forget(server)
            case "delete":
                pack = self.random.choice(self.processes).id
                self.truth.deleting(pack)
                self.ask(packs.delete, Call(pack=pack), partial(self.truth.deleted, pack))
            case _:
                flow = self.random.choice(FLOWS)
                self._post(flow | {"description": f"{self.now}"})

    def _forget(self, server: Server) -> None:
        """A host is lost with its disk, and is forgotten at the keeper; never the keeper itself."""
        if server.id == KEEPER or any(one.is_gone for one in self.servers.values()):
            return
        server.is_gone = True
        if server.is_up:
            server.stop(power=False)
        gone = Forget(host=server.id, store=server.store, force=True)
        self._tell_forgotten(gone)

    def _tell_forgotten(self, gone: Forget) -> None:
        """A person forgets it, once the keeper is there."""
        keeper = self.servers[KEEPER]
        if keeper.is_up:
            keeper.put(Incoming(input=gone))
        else:
            self.at(AGAIN_MS, lambda: self._tell_forgotten(gone))

    def strike(self, server: Server) -> None:
        """Somebody has an answer that rests on what a host stored: now its power may fail."""
        if self.chance(0.01):
            self.truth.counts["power after an answer"] += 1
            self.failed(server, power=True)

    def failed(self, server: Server, *, power: bool = False) -> None:
        """A host ends, and starts again a while later."""
        if not server.is_up:
            return
        self.tell(f"{server.id} is down")
        server.stop(power=power)
        self.at(self.random.choice((100, 1000, 4000)), lambda: self._restart(server))

    def _restart(self, server: Server) -> None:
        if not (server.is_up or server.is_gone):
            self.tell(f"{server.id} is up")
            server.start()
