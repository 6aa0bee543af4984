"""Messages between a host and an evaluator process: msgpack after a length of four bytes.

Facts, flows and verdicts are texts inside, made and read once at each end.
"""

import struct
from collections.abc import Iterator
from typing import Final, Generic, TypeVar

import msgspec

from floe.model.ids import Shape

FRAME_BYTES_MAX: Final = 32 << 20
"""A longer frame is a fault of its sender."""

ANSWER_BYTES_MAX: Final = 16 << 20
"""Bytes of all verdicts of one judgement, without those that failed."""

OUT_OF_MEMORY: Final = 3
"""Exit status of a process that met its limit of memory."""

_LENGTH: Final = struct.Struct(">I")


class SentFlow(msgspec.Struct, tag=True, array_like=True):
    """To a process: a flow and what its judgements read, by their digest. No answer."""

    digest: str
    body: str
    around: bytes
    """As JSON; empty for nothing."""


class SentFacts(msgspec.Struct, tag=True, array_like=True):
    """To a process: facts of a run. Answered with Holds."""

    job: int
    run: str
    epoch: int
    after: int
    """The sequence number before the first of them."""
    facts: list[tuple[str, str]]
    """Names and bodies."""


class JudgeAsks(msgspec.Struct, tag=True, array_like=True):
    """To a process: the last facts, and the questions. Answered with Found for each, or Holds."""

    facts: SentFacts
    dialect: str
    digest: str
    asks: list[Shape]
    known: list[bytes]
    """The verdicts of the first questions, where an earlier process found them."""


class JudgeText(msgspec.Struct, tag=True, array_like=True):
    """To a process: something without a run. Answered with JudgedText."""

    job: int
    dialect: str
    kind: str
    body: bytes


class OpenEvents(msgspec.Struct, tag=True, array_like=True):
    """To a process: which runs do these events open? Answered with Found for each, in order.

    Holds with the index of an event, in place of its answer, ends the answers: the process lacks
    the flow, or has no room for more answers at once.
    """

    job: int
    at: int
    """The index of the first event."""
    events: list[tuple[str, str, bytes]]
    """The dialect, the digest of the flow, and the event as JSON."""


class Ready(msgspec.Struct, tag=True, array_like=True):
    """From a process: it has started."""

    version: str
    """Of floe."""


class Holds(msgspec.Struct, tag=True, array_like=True):
    """From a process: what it holds of a run, after it took facts or because it lacks some."""

    job: int
    seq: int
    """Of the last fact; 0 for none."""
    has_flow: bool


class Found(msgspec.Struct, tag=True, array_like=True):
    """From a process: the verdict of one question, or what one event opens, as JSON."""

    job: int
    at: int
    """The index of the question."""
    verdict: bytes


class JudgedText(msgspec.Struct, tag=True, array_like=True):
    """From a process: what a text came to, as JSON, or why it could not be judged."""

    job: int
    body: bytes
    failed: str


ToProcess = SentFlow | SentFacts | JudgeAsks | JudgeText | OpenEvents
FromProcess = Ready | Holds | Found | JudgedText

T = TypeVar("T")


def frame(message: ToProcess | FromProcess) -> bytes:
    """A message as a frame. Raises ValueError where it is too long."""
    data = msgspec.msgpack.encode(message)
    if len(data) > FRAME_BYTES_MAX:
        raise ValueError(f"{len(data)} bytes are too many for a frame")
    return _LENGTH.pack(len(data)) + data


class Frames(Generic[T]):
    """The messages in the bytes that one end receives."""

    def __init__(self, decoder: msgspec.msgpack.Decoder[T]) -> None:
        self._decoder = decoder
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[T]:
        """Yield the messages that are complete now. Raises ValueError for what is no frame."""
        self._rest += data
        at = 0
        try:
            while len(self._rest) - at >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(self._rest, at)
                if length > FRAME_BYTES_MAX:
                    raise ValueError(f"{length} bytes are too many for a frame")
                end = at + _LENGTH.size + length
                if len(self._rest) < end:
                    return
                piece = bytes(self._rest[at + _LENGTH.size : end])
                at = end
                yield self._decode(piece)
        finally:
            del self._rest[:at]

    def _decode(self, piece: bytes) -> T:
        try:
            return self._decoder.decode(piece)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise ValueError(f"a malformed frame: {error}") from None


def frames_to_process() -> Frames[ToProcess]:
    """Reads what a host sends."""
    return Frames(msgspec.msgpack.Decoder(ToProcess))


def frames_from_process() -> Frames[FromProcess]:
    """Reads what a process sends."""
    return Frames(msgspec.msgpack.Decoder(FromProcess))
