"""Commands of a pack: what a handler gets, and the event that its result becomes."""

import asyncio
import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, get_type_hints

from floe.packs.connections import in_thread
from floe.packs.events import FATAL, Event, EventType, fatal
from floe.packs.inputs import WrongInput, read

LOG: Final = logging.getLogger("floe.packs")

Handler = Callable[..., Any]

IfInterrupted = Literal["fatal", "repeat"]


@dataclass(frozen=True)
class PackCommand:
    """A command: its handler, and the events that may be its result; the first is the usual one."""

    name: str
    handler: Handler
    input: Any
    """The type of the input; None where the handler takes no argument."""
    events: tuple[EventType, ...]
    help: str = ""
    if_interrupted: IfInterrupted = "fatal"
    """What becomes of an action whose handler the end of the process cut off."""

    async def carried_out(self, input: Any) -> Event:
        """The event that ends the action: FATAL if the handler raises."""
        try:
            result = await self._result(input)
            event = result if isinstance(result, Event) else Event(self.events[0].name, result)
            self._check(event)
            event.body()
        except WrongInput as error:
            return fatal(str(error))
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise  # the pack stops
            return fatal(f"{self.name}: its handler was cancelled")
        except (Exception, SystemExit) as error:
            LOG.exception("the handler of the command %s raised", self.name)
            return fatal(f"{type(error).__name__}: {error}")
        return event

    async def _result(self, input: Any) -> Any:
        arguments = () if self.input is None else (read(self.input, input),)
        if inspect.iscoroutinefunction(self.handler):
            return await self.handler(*arguments)
        return await in_thread(lambda: self.handler(*arguments))

    def _check(self, event: Event) -> None:
        names = [FATAL, *(one.name for one in self.events)]
        if event.name not in names:
            raise ValueError(
                f"the command {self.name} does not declare the event {event.name}, only "
                f"{', '.join(names[1:])}: name it in @pack.command"
            )


def input_type(handler: Handler) -> Any:
    """The type of the argument of a handler; Any if it has none, None without an argument."""
    names = list(inspect.signature(handler).parameters)
    if len(names) > 1:
        raise TypeError(f"the handler {handler} takes one argument, the input: {', '.join(names)}")
    return get_type_hints(handler).get(names[0], Any) if names else None
