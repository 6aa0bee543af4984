"""Set-up of structlog: readable text on a terminal, JSON lines otherwise; secrets never appear."""

import logging
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, Literal, TextIO

# If rich is installed, structlog loads it to draw tracebacks, and greenlet for a context per task.
# floe uses neither, and rich would be a tenth of the start-up time of `floe run`.
UNUSED: Final = ("rich", "greenlet")
for name in UNUSED:
    sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # None: there is no such module
import structlog  # noqa: E402

from floe.expr.masking import Masks  # noqa: E402
from floe.model.finding import Finding  # noqa: E402
from floe.model.secret import masked, without_password  # noqa: E402
from floe.model.visible import visible, visible_json  # noqa: E402

for name in UNUSED:
    if sys.modules[name] is None:
        del sys.modules[name]

Level = Literal["debug", "info", "warning", "error"]

_SECRET: Final = re.compile(r"(token|secret|password|authorization|cookie|admin)$", re.IGNORECASE)


_masks: Callable[[], Masks] = Masks


def mask_by(masks: Callable[[], Masks]) -> None:
    """Mask the secrets of a host in every line of the log from now on."""
    global _masks  # the log is one for the whole process
    _masks = masks


def set_up(level: Level = "info", stream: TextIO | None = None) -> None:
    """Send the log of this process to a stream (standard error if none is given)."""
    out = stream or sys.stderr
    renderers: list[Any] = (
        [spelt, structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if out.isatty()
        else [structlog.processors.JSONRenderer(ensure_ascii=False), spelt_json]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,  # first: an error may quote a URL
            redacted,
            *renderers,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=lambda *_: LogLines(out),
        cache_logger_on_first_use=True,
    )


class LogLines:
    """Writes lines to a stream. A stream that cannot be written (full disk) blocks nothing."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        """Write a line at once; a line that cannot be written is lost, since there is no place to
        report it."""
        with suppress(OSError):
            print(line, file=self._stream, flush=True)

    debug = info = warning = error = critical = msg


class FindingLog:
    """Writes the findings of a config to the log, and none again while it stays."""

    def __init__(self) -> None:
        self._written: frozenset[Finding] = frozenset()

    def write(self, findings: Sequence[Finding]) -> None:
        """Write those that the reading before did not have."""
        log = structlog.get_logger()
        for finding in findings:
            if finding not in self._written:
                line = log.error if finding.level == "error" else log.warning
                hint = {"hint": finding.hint} if finding.hint else {}
                line("config.finding", finding=str(replace(finding, hint="")), **hint)
        self._written = frozenset(findings)


def redacted(
    _logger: object, _method: str, fields: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace secrets of a line of the log by `***`: fields named so, and credentials in URLs."""
    for name, value in fields.items():
        if _SECRET.search(name):
            fields[name] = "***"
        elif value is None or isinstance(value, bool | int | float):
            continue
        elif isinstance(value, str | Mapping | list | tuple):
            fields[name] = masked(value)
        else:
            fields[name] = without_password(str(value))
    if masks := _masks():
        fields.update({name: masks.json(value) for name, value in fields.items()})
    return fields


def spelt(
    _logger: object, _method: str, fields: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Escape control characters and line ends in a line of the log."""
    for name, value in fields.items():
        if isinstance(value, str):
            fields[name] = visible(value, keep="\n" if name == "exception" else "")
    return fields


def spelt_json(_logger: object, _method: str, line: str) -> str:
    """The same in a line of the log as JSON, for readers with other line ends."""
    return visible_json(line)
