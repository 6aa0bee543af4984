"""Keeps the secrets of a host out of its facts: whatever becomes an input is without them.

Reports are masked, and the outputs of attempts in their files. Values and flows with a secret are
refused, since a mask would change what they mean.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Final

import structlog

from floe.expr.masking import NO_MASKS, Masks
from floe.files import EXHAUSTED
from floe.host.inputs import FlowRead, Incoming, Mark, PassOver, Start
from floe.host.opening_inputs import OpenRun
from floe.hub.attempts.attempt_outputs import OutputSettings
from floe.masked_files import mask_file
from floe.model.codec import encode
from floe.model.errors import Yours
from floe.model.flow import Flow
from floe.model.ids import Json
from floe.model.nouns import replace
from floe.model.signal import Answered, Exited, Failed, FlowUnreadable, Reported
from floe.places import Places

log = structlog.get_logger()

AGAIN_S: Final = 2.0
"""Seconds before an output is masked again that could not be opened."""

SECRET: Final = "secret"  # noqa: S105  # no password
"""The kind of the ledger's rows with encrypted secrets."""

OUTPUT_HINT: Final = "leave it out: the task that needs it names it in its own `secrets`"

HINT: Final = "remove it, and name it in `secrets` of the node that needs it"


class MaskedInputs:
    """Passes inputs on to the core, without secrets.

    A report goes on when its output is masked: whatever follows, digests and archive too, has no
    secret. A host without secrets only passes inputs on.
    """

    def __init__(
        self,
        settings: OutputSettings,
        places: Places,
        masks: Callable[[], Masks],
        spawn: Callable[[Coroutine[object, object, None]], None],
        put: Callable[[Incoming], None],
    ) -> None:
        self._settings = settings
        self._places = places
        self._masks = masks
        self._spawn = spawn
        self._put = put
        self._checked: tuple[Masks, dict[str, Flow]] = (NO_MASKS, {})

    def __call__(self, incoming: Incoming) -> None:
        """Put an input without the secrets of this host."""
        if not (masks := self._masks()):
            self._put(incoming)
            return
        match incoming.input:
            case Reported() as signal:
                self._spawn(self._put_masked(incoming, signal, masks))
            case FlowUnreadable(why=why):
                self._put(replace(incoming, input=FlowUnreadable(why=masks.text(why))))
            case FlowRead(flow=flow) if fault := self._fault_of(flow):
                self._put(replace(incoming, input=FlowUnreadable(why=f"flow-file: {fault}")))
            case Start() as start if fault := self.fault_of(start):
                log.warning("run.refused", flow=start.flow.id, trigger=start.trigger, why=fault)
                trigger = next(t for t in start.flow.triggers if t.id == start.trigger)
                self._put(Incoming(input=Mark(rows=start.marks)))
                self._put(Incoming(input=PassOver(flow=start.flow, trigger=trigger, why=fault)))
            case _:
                self._put(incoming)

    def check(self, start: Start | OpenRun) -> None:
        """Raise Yours where the values or the flow of a start hold a secret."""
        if fault := self.fault_of(start):
            raise Yours(fault, HINT)

    def check_values(self, values: Mapping[str, Json]) -> None:
        """Raise Yours where one of these values holds a secret."""
        if fault := _fault_of_values(values, self._masks()):
            raise Yours(fault, HINT)

    def fault_of(self, start: Start | OpenRun) -> str:
        """Which secret is in the values or the flow of a start; empty for none."""
        return self.fault_in(start.values, start.flow)

    def fault_in(self, values: Mapping[str, Json], flow: Flow) -> str:
        """Which secret is in some values or in a flow; empty for none."""
        return _fault_of_values(values, self._masks()) or self._fault_of(flow)

    def _fault_of(self, flow: Flow) -> str:
        masks = self._masks()
        if masks is not self._checked[0]:
            self._checked = (masks, {})
        key = f"{flow.id}@{flow.ver}"
        if not masks or self._checked[1].get(key) is flow:
            return ""
        if name := masks.named_in(encode(flow)):
            return f"the flow {flow.id} contains the value of the secret {name}"
        self._checked[1][key] = flow
        return ""

    async def _put_masked(self, incoming: Incoming, signal: Reported, masks: Masks) -> None:
        path, size = self._settings.output_path(signal.key), signal.report.output_bytes
        place = self._places.on_way(path)
        is_masked = not size or await self._places.call(place, _mask_output, path, size, masks)
        while not is_masked:
            await asyncio.sleep(AGAIN_S)
            is_masked = await self._places.call(place, _mask_output, path, size, masks)
        self._put(replace(incoming, input=_masked(signal, masks)))


def _fault_of_values(values: Mapping[str, Json], masks: Masks) -> str:
    """Which value holds which secret; empty for none."""
    for name, value in values.items() if masks else ():
        if secret := masks.named_in({name: value}):
            return f"the value {masks.text(name)} contains the secret {secret}"
    return ""


def _mask_output(path: Path, size: int, masks: Masks) -> bool:
    """Mask the output of an attempt that is over; False while no file can be opened.

    An output that cannot be written stays as it is: its readers get it masked.
    """
    try:
        mask_file(path, size, masks)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno in EXHAUSTED:
            return False
        log.warning("output.not_masked", path=str(path), error=str(error))
    return True


def _masked(signal: Reported, masks: Masks) -> Reported:
    """A report without secrets. One in an output is an error: the next node would get it."""
    report = signal.report
    match report:
        case Exited(outputs=outputs) | Answered(outputs=outputs):
            for output, value in outputs.items():
                if name := masks.named_in({output: value}):
                    why = (
                        f"its output {masks.text(output)} contains the secret {name}; {OUTPUT_HINT}"
                    )
                    size = report.output_bytes
                    return replace(signal, report=Failed(cause="error", why=why, output_bytes=size))
            if isinstance(report, Exited):
                return replace(signal, report=replace(report, note=masks.text(report.note)))
            return replace(signal, report=replace(report, why=masks.text(report.why)))
        case Failed(why=why):
            return replace(signal, report=replace(report, why=masks.text(why)))
        case _:
            return signal
