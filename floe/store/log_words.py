"""Rows of a SQLite store's log that are compressed: names and bodies of events in a few bytes.

The events of one row are short and much alike, so each row is compressed with the same texts before
it, as if they were in front of it.
"""

import zlib
from typing import Final

WORDS: Final = b"""\
Slack","labels":{"createdAt":"2026-01-01T","context":{"payload":{"status":0}}FATAL
","parent":{"key":"","waits":true},"error","why":"","status":0},"once":"sealed":true,
RunPended {"at":17,"flow":"","ver":1,"trigger":"start","values":{},"by":"","digest":"sha256:"}
RunGranted {"at":17,"host":"h1","store":"","epoch":1,"fences":{}}
RunActivated {"at":17,"host":"h1","epoch":1,"workspace":"/spaces/ws/"}
JudgeAsked PassBegan RunRested RunNoted {"kind":"finding","key":"","value":"
NodeEntered NodeEntered {"at":17,"node":"s0","visit":1,"work":{"kind":"Exec","argv":["
NodeSettled {"at":17,"node":"s0","visit":1,"attempt":1,"outcome":{"result":"bad","status":1}
UpdateReceived NodeSet RunEnding {"at":17,"good":false,"why":"FATAL","result":"bad","label":"FATAL"}
RunOpened NodeEntered
{"at":17,"flow":"flyte-","ver":1,"digest":"sha256:","trigger":"event","values":{"event":{"event":"\
","pack":{"name":"","labels":{"},"receivedAt":"2026-11-30T","payload":{""}}},\
"by":"pack ","host":"h1","store":"","title":"
{"at":17,"node":"s0","visit":1,"work":{"kind":"OutsideWork","type":"flyte.action",\
"config":{"input":{""},"context":{""},"after":"s0"},"queue":"flyte:","name":"","labels":["
NodeStarted
{"at":17,"node":"s0","visit":1,"attempt":1,"started_at":17,"by":"","take":"","through":"h1"}
ActionEnded
{"at":17,"node":"s0","visit":1,"attempt":1,"outcome":{"result":"good"},"ended_at":17,\
"outputs":{"event":"","pack":{"name":""},"receivedAt":"2026-11-30T","payload":{""}}}
NodeSettled RunEnding RunEnded RunPacked
{"at":17,"node":"s0","visit":1,"attempt":1,"outcome":{"result":"good"},"tag":"task.s0.SUCCESS",\
"good":true,"ended_at":17,"outputs":{},"tags":["task.s0.final"],"keeps":true}
{"at":17,"good":true,"why":"SUCCESS","result":"good","label":"SUCCESS"}
{"at":17,"good":true,"why":"SUCCESS"}
{"at":17,"digests":{}}"""
"""What rows are likely to have, the likeliest last. Never change it: what was compressed with it
can be read with nothing else."""

_FORM: Final = {"level": 6, "method": zlib.DEFLATED, "wbits": -12, "memLevel": 5}
"""No header, and a window for 4 kB of text: less memory to clear for each row."""


def packed(text: str) -> bytes:
    """A text of some rows in few bytes."""
    packer = zlib.compressobj(**_FORM, zdict=WORDS)
    return packer.compress(text.encode()) + packer.flush()


def unpacked(data: bytes) -> str:
    """The text of `packed`. Raises ValueError."""
    unpacker = zlib.decompressobj(wbits=-12, zdict=WORDS)
    try:
        text = unpacker.decompress(data)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if not unpacker.eof:
        raise ValueError("its end is missing")
    return text.decode()
