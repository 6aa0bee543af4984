"""A pack: its commands and events, and the ways to run it."""

import asyncio
import logging
import signal
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final, TypeVar, get_args

from floe.packs.commands import Handler, IfInterrupted, PackCommand, input_type
from floe.packs.events import Event, EventType, event_type
from floe.packs.health import Check, health_server
from floe.packs.settings import PackSettings
from floe.packs.wire import NotSent
from floe.packs.worker import Worker

LOG: Final = logging.getLogger("floe.packs")

SomeHandler = TypeVar("SomeHandler", bound=Handler)
SomeCheck = TypeVar("SomeCheck", bound=Check)
Background = Callable[[], Coroutine[Any, Any, None]]


class Pack:
    """A pack by its name, to which commands and checks are added by decorators.

    `events`: those that it sends by itself. `help`: the URL of a page about it. A host knows a pack
    by its name and labels: two processes with the same ones are one pack, and share its actions.
    """

    def __init__(
        self,
        name: str,
        *,
        labels: Mapping[str, str] | None = None,
        events: Sequence[EventType | str] = (),
        help: str = "",
    ) -> None:
        if not name:
            raise ValueError("a pack needs a name")
        self.name, self.help = name, help
        self.labels = dict(labels or {})
        self._events = [event_type(event) for event in events]
        self._commands: dict[str, PackCommand] = {}
        self._checks: dict[str, Check] = {}
        self._background: list[Background] = []
        self._running: tuple[asyncio.AbstractEventLoop, Worker] | None = None

    def command(
        self,
        name: str,
        *events: EventType | str,
        help: str = "",
        if_interrupted: IfInterrupted = "fatal",
    ) -> Callable[[SomeHandler], SomeHandler]:
        """Decorate the handler of a command: a coroutine, or a function, which runs in a thread.

        It gets the input as the type of its argument. What it returns is the payload of the first
        event, or an Event. What it raises is the payload of a FATAL event. With a journal, the end
        of the process in a handler makes its action FATAL at the next start; `if_interrupted`:
        "repeat" has it begin again instead. Raises TypeError for a handler with two arguments.
        """
        if name in self._commands:
            raise ValueError(f"the pack has two commands {name}")
        if not events:
            raise ValueError(f"the command {name} needs an event: its result")
        if if_interrupted not in get_args(IfInterrupted):
            raise ValueError(f"if_interrupted of {name} is fatal or repeat, not {if_interrupted}")

        def added(handler: SomeHandler) -> SomeHandler:
            declared = tuple(event_type(event) for event in events)
            self._commands[name] = PackCommand(
                name, handler, input_type(handler), declared, help, if_interrupted
            )
            return handler

        return added

    def check(self, name: str) -> Callable[[SomeCheck], SomeCheck]:
        """Decorate a check of health: it fails if it gives False or raises."""

        def added(check: SomeCheck) -> SomeCheck:
            self._checks[name] = check
            return check

        return added

    def background(self, work: Background) -> Background:
        """Decorate a coroutine that runs while the pack runs. The pack ends with what it raises."""
        self._background.append(work)
        return work

    def registration(self, labels: Mapping[str, str] | None = None) -> dict[str, Any]:
        """What a server gets to know of the pack; with more labels."""
        declared = [event for command in self._commands.values() for event in command.events]
        types: dict[str, EventType] = {}
        for event in (*self._events, *declared):
            types.setdefault(event.name, event)
        commands = [
            {"name": one.name, "events": [event.name for event in one.events], **_links(one.help)}
            for one in self._commands.values()
        ]
        return {
            "name": self.name,
            "labels": {**self.labels, **(labels or {})},
            "events": [{"name": one.name, **_links(one.help)} for one in types.values()],
            "commands": commands,
            **_links(self.help),
        }

    @asynccontextmanager
    async def running(self, settings: PackSettings | str) -> AsyncIterator["Pack"]:
        """Run the pack while the block lasts; its open commands end before the block does.

        Raises JournalRefused.
        """
        settings = PackSettings(settings) if isinstance(settings, str) else settings
        if self._running is not None:
            raise RuntimeError(f"the pack {self.name} runs already")
        worker = Worker(self.registration(settings.labels), self._commands, settings)
        self._running = (asyncio.get_running_loop(), worker)
        health = await self._health_server(settings.health_bind)
        raised: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                work = group.create_task(worker.work())
                try:
                    async with asyncio.TaskGroup() as background:
                        tasks = [background.create_task(one()) for one in self._background]
                        try:
                            yield self
                        except BaseException as error:
                            raised = error
                        for task in tasks:
                            task.cancel()
                except ExceptionGroup as errors:
                    raised = errors
                if not work.done():  # open commands end before the caller gets an error
                    worker.stop()
            if raised is not None:
                raise raised
        finally:
            self._running = None
            if health is not None:
                health.close()

    async def send(self, event: Event | str, payload: Any = None) -> None:
        """Send an event, once. Raises NotSent, and ValueError if the pack does not declare it."""
        event = event if isinstance(event, Event) else Event(event, payload)
        declared = [one["name"] for one in self.registration()["events"]]
        if event.name not in declared:
            raise ValueError(
                f"the pack does not declare the event {event.name}: add it to `events`"
            )
        await self._worker()[1].send(event)

    def send_now(self, event: Event | str, payload: Any = None) -> None:
        """Send an event from any other thread than that of the pack's loop, as `send` does."""
        loop, _ = self._worker()
        asyncio.run_coroutine_threadsafe(self.send(event, payload), loop).result()

    def run(self, settings: PackSettings | str | None = None) -> None:
        """Run the pack until SIGTERM or SIGINT; by default with the settings of the environment."""
        if not logging.getLogger().handlers:
            logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
        asyncio.run(self._run_until_signal(settings or PackSettings.from_environment()))

    @contextmanager
    def in_background(self, settings: PackSettings | str) -> Iterator["Pack"]:
        """Run the pack in a thread while the block lasts, for programs without asyncio."""
        ready, stop = threading.Event(), asyncio.Event()
        loops: list[asyncio.AbstractEventLoop] = []
        errors: list[BaseException] = []

        async def work() -> None:
            async with self.running(settings):
                loops.append(asyncio.get_running_loop())
                ready.set()
                await stop.wait()

        def run() -> None:
            try:
                asyncio.run(work())
            except BaseException as error:
                errors.append(error)
            finally:
                ready.set()

        thread = threading.Thread(target=run, name=f"pack {self.name}", daemon=True)
        thread.start()
        ready.wait()
        try:
            if not errors:
                yield self
        finally:
            with suppress(RuntimeError, IndexError):  # it ended by itself
                loops[0].call_soon_threadsafe(stop.set)
            thread.join()
        if errors:
            raise errors[0]

    async def _run_until_signal(self, settings: PackSettings | str) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        async with self.running(settings):
            await stop.wait()
            LOG.info("the pack stops; a second signal ends it at once")
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    async def _health_server(self, bind: str) -> asyncio.Server | None:
        try:
            return await health_server(self._checks, bind) if bind else None
        except OSError as error:
            LOG.warning("the pack has no health server: %s", error)
            return None

    def _worker(self) -> tuple[asyncio.AbstractEventLoop, Worker]:
        if self._running is None:
            raise NotSent(f"the pack {self.name} does not run")
        return self._running


def _links(help: str) -> dict[str, Any]:
    return {"links": [{"href": help, "rel": "help"}]} if help else {}
