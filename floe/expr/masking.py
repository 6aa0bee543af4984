"""Finds the values of secrets in text, and masks them: `*` for each byte.

A value is found as it is, in base64 (wherever it begins in the encoded data, and over line ends),
URL-encoded, escaped as in JSON and as a shell prints it; of a value with several lines, each line
too. In base64 behind `Basic` the whole token is masked, since the mask of its password alone would
show the user. A mask is as long as what it hides and leaves line ends, so that offsets, sizes and
line numbers of an output stay the same.

Rules of this file: the work is linear in the length of the text; in doubt a text is masked.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, quote_plus

from floe.model.codec import to_text
from floe.model.ids import Json
from floe.model.secret import HIDDEN, Secret
from floe.model.secret_name import SecretName

VALUE_CHARS_MIN: Final = 6
"""Blanks around it not counted. A shorter value would mask half of an output."""

VALUE_BYTES_MAX: Final = 32 * 1024

MEMORY_MAX: Final = 64 * 1024 * 1024
"""Bytes that the automaton may take for thousands of forms; it takes what it needs."""

WRAP_CHARS: Final = 48
"""Programs break base64 into lines of at least this length."""

TOKEN_MAX: Final = 400
"""Characters of a `Basic` token before its password, and behind it."""

HEAD_BYTES: Final = 4
"""Of a form, at most: all forms are longer."""

_PEM: Final = "-----"
_URL_HEX: Final = re.compile("%[0-9A-F]{2}")
_SEEN: Final = re.compile(rb"[^\r\n]")
_UNSAFE: Final = re.compile(rb"[^A-Za-z0-9_]")
_BASIC: Final = re.compile(rb"basic +([a-z0-9+/=_-]*)$", re.IGNORECASE)
_TOKEN: Final = re.compile(rb"[A-Za-z0-9+/=_-]*")
_URL_SAFE: Final = ("", "/", "!'()*", "/:@!$&'()*+,;=")


def value_fault(text: str) -> str:
    """Why a text cannot be masked as the value of a secret; empty if it can."""
    if len(text.strip()) < VALUE_CHARS_MIN:
        return f"the value has fewer than {VALUE_CHARS_MIN} characters, so it could not be masked"
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return "the value is no UTF-8 text; store binary data as base64"
    return f"the value has more than {VALUE_BYTES_MAX} bytes" if size > VALUE_BYTES_MAX else ""


def without_line_end(value: str) -> str:
    """The value to mask, without the line end behind it if that is its only one."""
    line = value.removesuffix("\n").removesuffix("\r")
    return value if "\n" in line else line


class Masks:
    """The values of secrets, as they may stand in text. False if there are none."""

    def __init__(self, values: Iterable[tuple[SecretName, Secret]] = ()) -> None:
        plain: dict[bytes, SecretName] = {}
        coded: dict[bytes, SecretName] = {}
        for name, value in values:
            for piece in _pieces(value.reveal()):
                plain |= dict.fromkeys(_plain_forms(piece), name)
                coded |= dict.fromkeys(_base64_forms(piece), name)
        self._plain, self._coded = _Spellings(plain), _Spellings(coded)
        longest = max(self._plain.longest, self._coded.longest)
        reach = longest + 2 * TOKEN_MAX
        self.overlap = reach + 2 * (reach // WRAP_CHARS + 1) if longest else 0
        """Bytes before and behind a part of a text that must be searched with it."""

    def __bool__(self) -> bool:
        return bool(self._plain.names)

    def masked(self, data: bytes) -> bytes:
        """The same bytes, with `*` for those of secrets."""
        spans = self.spans(data)
        if not spans:
            return data
        shown = bytearray(data)
        for start, end in spans:
            shown[start:end] = hidden(data[start:end])
        return bytes(shown)

    def text(self, text: str) -> str:
        """The same text, with `***` for each secret."""
        data = text.encode(errors="surrogatepass") if self else b""
        spans = self.spans(data)
        if not spans:
            return text
        ends = (0, *(end for _, end in spans))
        starts = (*(start for start, _ in spans), len(data))
        parts = [data[end:start] for end, start in zip(ends, starts, strict=True)]
        return HIDDEN.encode().join(parts).decode(errors="replace")

    def json(self, value: Any) -> Any:
        """The same JSON value, with `***` for each secret in its texts and names."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(name): self.json(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.json(one) for one in value]
        return value

    def is_in(self, data: bytes) -> bool:
        """Whether there is any secret in a text."""
        return bool(self.spans(data))

    def named_in(self, value: Json) -> SecretName | None:
        """A secret that is in a JSON value, by its name; None for none."""
        if not self:
            return None
        data = to_text(value).encode(errors="surrogatepass")
        if not (spans := self.spans(data)):
            return None
        start, end = spans[0]
        part = data[start:end]
        flat = _flat(part)
        each = ((form, name, part) for form, name in self._plain.names.items())
        coded = ((form, name, flat) for form, name in self._coded.names.items())
        return next(name for form, name, text in (*each, *coded) if form in text)

    def spans(self, data: bytes) -> list[tuple[int, int]]:
        """Where secrets are: starts and ends, in order and apart."""
        if not self:
            return []
        found = [*self._plain.spans(data)]
        flat = _flat(data)
        if coded := [_token(flat, start, end) for start, end in self._coded.spans(flat)]:
            at = _places(data)
            found = sorted((*found, *((at[start], at[end - 1] + 1) for start, end in coded)))
        apart: list[tuple[int, int]] = []
        for start, end in found:
            if apart and start <= apart[-1][1]:
                start, end = apart[-1][0], max(end, apart.pop()[1])
            apart.append((start, end))
        return apart

    def held(self, data: bytes) -> int:
        """How many bytes at the end of a text may be the beginning of a secret."""
        if not self:
            return 0
        tail = data[-self.overlap :]
        flat = _flat(tail)
        begun, coded = self._plain.begun(tail), self._coded.begun(flat)
        if token := _BASIC.search(flat):
            coded = min(coded, token.start(1))
        places = _places(tail)
        first = places[coded] if coded < len(places) else len(tail)
        return len(tail) - min(begun, first)


def _token(flat: bytes, start: int, end: int) -> tuple[int, int]:
    """Where the `Basic` token is that a coded secret is in, else where the secret is."""
    first = max(0, start - TOKEN_MAX)
    if found := _BASIC.search(flat[first:start]):
        rest = _TOKEN.match(flat, end, end + TOKEN_MAX)
        return first + found.start(1), rest.end() if rest else end
    return start, end


def hidden(data: bytes) -> bytes:
    """The mask that stands in place of a secret."""
    return _SEEN.sub(b"*", data)


def _pieces(value: str) -> Iterator[str]:
    """A value, and each of its lines that is long enough and no frame of a key."""
    yield value.strip()
    lines = [line.strip() for line in value.splitlines()]
    if len(lines) > 1:
        yield from (
            line for line in lines if len(line) >= VALUE_CHARS_MIN and not line.startswith(_PEM)
        )


def _plain_forms(piece: str) -> Iterator[bytes]:
    """A text as it is, and as it may be written in a URL, in JSON or by a shell."""
    escaped = json.dumps(piece, ensure_ascii=False)[1:-1]
    for text in (piece, piece.replace("\n", "\r\n"), piece.replace("'", "'\\''"), escaped):
        yield _bytes(text)
    for text in (escaped, json.dumps(piece)[1:-1]):
        yield _bytes(text)
        yield _bytes(text.replace("/", "\\/"))
        yield _bytes(json.dumps(text, ensure_ascii=False)[1:-1])
    raw = _bytes(piece)
    for url in (quote_plus(raw), *(quote(raw, safe=safe) for safe in _URL_SAFE)):
        yield url.encode()
        yield _URL_HEX.sub(lambda found: found[0].lower(), url).encode()


def _base64_forms(piece: str) -> Iterator[bytes]:
    """The base64 characters that a text alone decides, for each place where it may begin."""
    raw = _bytes(piece)
    for before in range(3):
        coded = base64.b64encode(bytes(before) + raw)
        part = coded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        yield part
        yield part.translate(_URL_ALPHABET)


_URL_ALPHABET: Final = bytes.maketrans(b"+/", b"-_")


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _flat(data: bytes) -> bytes:
    return data.translate(None, b"\r\n")


def _places(data: bytes) -> Sequence[int]:
    """The places of the bytes that are no line ends."""
    return [at for at, byte in enumerate(data) if byte not in b"\r\n"]


class _Spellings:
    """Texts to find. A regular expression finds their beginnings, the rest is compared: the
    automaton of the beginnings alone is small. (One of the whole forms of 200 secrets takes seconds
    for a megabyte of base64, and Python's own `re` tries all forms at each byte.)"""

    def __init__(self, forms: Mapping[bytes, SecretName]) -> None:
        self.names = forms
        self.longest = max(map(len, forms), default=0)
        self._by_head: dict[bytes, list[bytes]] = {}
        for form in sorted(forms, key=len, reverse=True):
            self._by_head.setdefault(form[:HEAD_BYTES], []).append(form)
        self._heads = _finder(self._by_head) if forms else None

    def spans(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Where the forms are, in order of their starts."""
        if self._heads is None:
            return
        by_head = self._by_head
        for match in self._heads.finditer(data):
            first = match.start()
            for at in range(first, first + HEAD_BYTES):  # a match hides one that begins within it
                for form in by_head.get(data[at : at + HEAD_BYTES], ()):
                    if data.startswith(form, at):
                        yield at, at + len(form)
                        break

    def begun(self, data: bytes) -> int:
        """Where the first form begins that reaches beyond the end of a text, or the end."""
        for at in range(max(0, len(data) - self.longest + 1), len(data)):
            head = data[at : at + HEAD_BYTES]
            if len(head) == HEAD_BYTES:
                heads = self._by_head.get(head, ())
            else:
                heads = [form for form in self.names if form.startswith(head)]
            for form in heads:
                if len(form) > len(data) - at and form.startswith(data[at:]):
                    return at
        return len(data)


def _finder(texts: Iterable[bytes]) -> Any:
    import re2  # type: ignore[import-untyped]  # has no stubs; a host without secrets needs it not

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = MEMORY_MAX
    return re2.compile(b"|".join(map(_quoted, texts)), options)


def _quoted(data: bytes) -> bytes:
    return _UNSAFE.sub(lambda found: b"\\x%02x" % found[0][0], data)


NO_MASKS: Final = Masks()
