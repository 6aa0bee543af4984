"""Makes deceptive characters in text from outside visible.

These are characters that control a terminal, reorder or hide other text, or end a line for some
readers: control and format characters, line separators, lone surrogates, and fillers that are
drawn as nothing.
"""

import json
import re
import unicodedata
from typing import Final

_FILLERS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_KINDS: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

_PLAIN: Final = re.compile(r"[ -~]*")
_MAYBE: Final = re.compile(r"[^ -~]")
_JOINED: Final = re.compile(
    r"(?<=[\u0600-\u08ff\u0900-\u0dff\u0e80-\u109f\u1780-\u18af])[\u200c\u200d]"
    r"|(?<=[\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])\u200d(?=[\u2190-\u2bff\U0001f000-\U0001faff])"
)
"""The joiners, which are a regular part of some scripts and of many emoji."""


def visible(text: str, keep: str = "") -> str:
    """The text with deceptive characters as escapes, `\\u202e`; characters in `keep` stay."""
    if _PLAIN.fullmatch(text):
        return text
    joined = {found.start() for found in _JOINED.finditer(text)}
    return _MAYBE.sub(
        lambda found: (
            found[0]
            if found[0] in keep or found.start() in joined or not is_trick(found[0])
            else _written(found[0])
        ),
        text,
    )


def visible_json(text: str) -> str:
    """The same JSON with deceptive characters as escapes. Its own line ends stay."""
    if text.isascii() and "\x7f" not in text:
        return text
    return _MAYBE.sub(
        lambda found: (
            json.dumps(found[0])[1:-1] if found[0] != "\n" and is_trick(found[0]) else found[0]
        ),
        text,
    ).replace("\x7f", "\\u007f")


def is_trick(char: str) -> bool:
    """Whether a character deceives: it is not visible, or has an effect of its own."""
    return unicodedata.category(char) in _KINDS or char in _FILLERS


def _written(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
