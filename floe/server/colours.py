"""The colours and weights in effect after a part of an output. Pure: bytes in, codes out."""

import re
from typing import Final

SEQUENCE_MAX: Final = 132
"""Bytes of a sequence that takes effect."""

_SGR: Final = re.compile(rb"\x1b\[([0-9;:]{0,128})m")
_SPLIT: Final = re.compile("[;:]")
_EXTENDED: Final = {2: 4, 5: 2}
"""Numbers after 38 and 48, by the first of them: a colour by its components, or one of 256."""
_SETS: Final = {1: "bold", 2: "faint", 3: "italic", 4: "underline", 7: "inverse"}
_ENDS: Final = {
    22: ("bold", "faint"),
    23: ("italic",),
    24: ("underline",),
    27: ("inverse",),
    39: ("front",),
    49: ("back",),
}


def styled(before: str, data: bytes) -> str:
    """The style after a further part of an output: parameters of one SGR sequence, as `1;38;5;208`.

    Empty for none. Only the last of equal sequences counts, and none before a reset, so it is
    harmless if this part repeats bytes from the end of the last one.

    Source: ECMA-48, 8.3.117 (SGR), with the colours of xterm.
    """
    if b"\x1b[" not in data:
        return before
    style: dict[str, str] = {}
    latest: list[bytes] = []
    for codes in dict.fromkeys(reversed(_SGR.findall(data))):
        if codes in (b"", b"0"):
            break
        latest.append(codes)
    else:
        if before:
            _restyle(style, before)
    for codes in reversed(latest):
        _restyle(style, codes.decode())
    return ";".join(style.values())


def _restyle(style: dict[str, str], codes: str) -> None:
    """Apply the numbers of one sequence; unknown ones have no effect."""
    left = [int(code or 0) for code in _SPLIT.split(codes)]
    while left:
        code = left.pop(0)
        if code == 0:
            style.clear()
        elif code in _SETS:
            style[_SETS[code]] = str(code)
        elif code in _ENDS:
            for name in _ENDS[code]:
                style.pop(name, None)
        elif code in (38, 48):
            name = "front" if code == 38 else "back"
            count = _EXTENDED.get(left[0] if left else 0)
            if count is None:
                style.pop(name, None)
                return
            style[name] = ";".join(map(str, [code, *left[:count], *[0] * (count - len(left))]))
            del left[:count]
        elif 30 <= code <= 37 or 90 <= code <= 97:
            style["front"] = str(code)
        elif 40 <= code <= 47 or 100 <= code <= 107:
            style["back"] = str(code)
