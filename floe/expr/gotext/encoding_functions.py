"""Functions of encodings: JSON, base64, base32, digests, derived passwords, AES.

Source: https://masterminds.github.io/sprig/encoding.html, /crypto.html.
"""

import base64
import binascii
import hashlib
import hmac
import zlib
from typing import Final

from floe.expr.errors import ExpressionError, TooMuch
from floe.expr.gotext.calls import Function, Scope, function
from floe.expr.gotext.go_values import Value, bytes_of, text_of
from floe.expr.gotext.json_text import JsonWriter, read_json
from floe.expr.gotext.map_functions import field

DERIVATION_FUEL: Final = 10_000
"""Of a derived password, which takes 0.1 s."""

_ALPHABETS: Final = {
    "base64": frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"),
    "base32": frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
}


def _decoded(text: str, kind: str, *, is_padded: bool) -> str:
    """What an encoded text stands for, or the words of the error, as sprig gives it."""
    data = bytes_of(text).replace(b"\r", b"").replace(b"\n", b"")
    digits = data.rstrip(b"=") if is_padded else data
    wrong = next((at for at, byte in enumerate(digits) if byte not in _ALPHABETS[kind]), None)
    group = 4 if kind == "base64" else 8
    padded = digits + b"=" * (-len(digits) % group)
    if wrong is None and (not is_padded or padded == data):
        try:
            if kind == "base64":
                return text_of(base64.b64decode(padded))
            return text_of(base64.b32decode(padded))
        except binascii.Error:
            wrong = len(data)
    at = wrong if wrong is not None else len(digits) // group * group
    return f"illegal {kind} data at input byte {at}"


def _encoded(scope: Scope, text: str) -> str:
    scope.fuel.make(len(text) * 2)
    return base64.b64encode(bytes_of(text)).decode()


def _base32(scope: Scope, text: str) -> str:
    scope.fuel.make(len(text) * 2)
    return base64.b32encode(bytes_of(text)).decode()


def _must_read(scope: Scope, text: str) -> Value:
    return read_json(text, scope.fuel)


def _read(scope: Scope, text: str) -> Value:
    try:
        return read_json(text, scope.fuel)
    except TooMuch:
        raise
    except ExpressionError:
        return None


def _writing(*, is_for_html: bool = True, indent: str = "") -> tuple[Function, Function]:
    """A function that writes JSON and gives no text for what has none, and one that refuses it."""

    def strict(scope: Scope, value: Value) -> str:
        return JsonWriter(scope.fuel, is_for_html=is_for_html, indent=indent).write(value)

    def lenient(scope: Scope, value: Value) -> str:
        try:
            return strict(scope, value)
        except TooMuch:
            raise
        except ExpressionError:
            return ""

    return function("any", lenient), function("any", strict)


def _digest(name: str) -> Function:
    def compute(scope: Scope, text: str) -> str:
        scope.fuel.search(len(text) * 8)
        return hashlib.new(name, bytes_of(text), usedforsecurity=False).hexdigest()

    return function("text", compute)


_CLASSES: Final = {
    "V": "AEIOU",
    "C": "BCDFGHJKLMNPQRSTVWXYZ",
    "v": "aeiou",
    "c": "bcdfghjklmnpqrstvwxyz",
    "A": "AEIOUBCDFGHJKLMNPQRSTVWXYZ",
    "a": "AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
    "n": "0123456789",
    "o": "@&%?,=[]_:-+*$#!'^~;()/.",
    "x": "AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
}
_FORMS: Final = {
    "maximum": "anoxxxxxxxxxxxxxxxxx axxxxxxxxxxxxxxxxxno",
    "long": (
        "CvcvnoCvcvCvcv CvcvCvcvnoCvcv CvcvCvcvCvcvno CvccnoCvcvCvcv CvccCvcvnoCvcv CvccCvcvCvcvno "
        "CvcvnoCvccCvcv CvcvCvccnoCvcv CvcvCvccCvcvno CvcvnoCvcvCvcc CvcvCvcvnoCvcc CvcvCvcvCvccno "
        "CvccnoCvccCvcv CvccCvccnoCvcv CvccCvccCvcvno CvcvnoCvccCvcc CvcvCvccnoCvcc CvcvCvccCvccno "
        "CvccnoCvcvCvcc CvccCvcvnoCvcc CvccCvcvCvccno"
    ),
    "medium": "CvcnoCvc CvcCvcno",
    "short": "Cvcn",
    "basic": "aaanaaan aannaaan aaannaaa",
    "pin": "nnnn",
}
_SEED: Final = b"com.lyndir.masterpassword"


def _derived(scope: Scope, counter: int, form: str, password: str, user: str, site: str) -> str:
    """A password by the Master Password algorithm (spectre.app)."""
    forms = _FORMS.get(form)
    if forms is None:
        return f"cannot find password template {form}"
    scope.fuel.spend(DERIVATION_FUEL)
    name, place = bytes_of(user), bytes_of(site)
    key = hashlib.scrypt(
        bytes_of(password),
        salt=_SEED + len(name).to_bytes(4, "big") + name,
        n=32_768,
        r=8,
        p=2,
        maxmem=64 << 20,
        dklen=64,
    )
    message = _SEED + len(place).to_bytes(4, "big") + place + counter.to_bytes(4, "big")
    seed = hmac.digest(key, message, "sha256")
    chosen = forms.split()
    pattern = chosen[seed[0] % len(chosen)]
    return "".join(
        _CLASSES[part][byte % len(_CLASSES[part])]
        for part, byte in zip(pattern, seed[1:], strict=False)
    )


def _encrypt(scope: Scope, password: str, text: str) -> str:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    if not text:
        return ""
    scope.fuel.make(len(text) * 2)
    data = bytes_of(text)
    data += bytes([16 - len(data) % 16]) * (16 - len(data) % 16)
    start = scope.surroundings.chance(16)
    cipher = Cipher(algorithms.AES(_key(password)), modes.CBC(start)).encryptor()
    return base64.b64encode(start + cipher.update(data) + cipher.finalize()).decode()


def _decrypt(scope: Scope, password: str, text: str) -> str:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    if not text:
        return ""
    scope.fuel.make(len(text))
    try:
        data = base64.b64decode(bytes_of(text), validate=True)
    except binascii.Error as error:
        raise ExpressionError("illegal base64 data") from error
    if len(data) < 32 or len(data) % 16:
        raise ExpressionError("the ciphertext is no whole number of blocks")
    cipher = Cipher(algorithms.AES(_key(password)), modes.CBC(data[:16])).decryptor()
    plain = cipher.update(data[16:]) + cipher.finalize()
    if plain[-1] > len(plain):
        raise ExpressionError("the padding is wrong")
    return text_of(plain[: len(plain) - plain[-1]])


def _key(password: str) -> bytes:
    return bytes_of(password)[:32].ljust(32, b"\0")


_TO, _MUST_TO = _writing()
_PRETTY, _MUST_PRETTY = _writing(indent="  ")
_RAW, _MUST_RAW = _writing(is_for_html=False)

ENCODINGS: Final[dict[str, Function]] = {
    "adler32sum": function("text", lambda _, text: str(zlib.adler32(bytes_of(text)))),
    "b32dec": function("text", lambda _, text: _decoded(text, "base32", is_padded=True)),
    "b32enc": function("text", _base32),
    "b64RawDec": function("text", lambda _, text: _decoded(text, "base64", is_padded=False)),
    "b64RawEnc": function("text", lambda scope, text: _encoded(scope, text).rstrip("=")),
    "b64dec": function("text", lambda _, text: _decoded(text, "base64", is_padded=True)),
    "b64enc": function("text", _encoded),
    "decryptAES": function("text text", _decrypt),
    "derivePassword": function("uint32 text text text text", _derived),
    "encryptAES": function("text text", _encrypt),
    "fromJson": function("text", _read),
    "jsonfield": function(
        "text...", lambda scope, *keys: JsonWriter(scope.fuel).write(field(scope.data, keys))
    ),
    "jsonmarshal": _MUST_TO,
    "mustFromJson": function("text", _must_read),
    "mustToJson": _MUST_TO,
    "mustToPrettyJson": _MUST_PRETTY,
    "mustToRawJson": _MUST_RAW,
    "sha1sum": _digest("sha1"),
    "sha256sum": _digest("sha256"),
    "sha512sum": _digest("sha512"),
    "toJson": _TO,
    "toPrettyJson": _PRETTY,
    "toRawJson": _RAW,
}
