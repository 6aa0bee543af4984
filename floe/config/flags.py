"""The settings of a host from command line and environment.

Source: the original's flags.
"""

import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Final, Literal

from floe.dialects.address_kinds import url_fault
from floe.dialects.floe.vocabulary import (
    TAG,
)
from floe.files import read_named, reason_of
from floe.model.finding import Finding
from floe.model.nouns import dataclass
from floe.model.secret import Secret
from floe.server.settings import Bind, is_loopback, split_address

SECRET_BYTES_MAX: Final = 64 * 1024

Side = Literal["pub", "prv", "flyte"]
"""An address of a host, by the first word of its flags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """The flags of the command line; None for each that is not given.

    Each can also be given as `FLOE_<NAME>` in the environment.
    """

    host_name: str | None = None
    tags: str | None = None
    """Separated by commas."""
    admin: str | None = None
    """The administrator's token, or `@file`."""
    cluster_token: str | None = None
    """The token between hosts, or `@file`; by default `admin`."""
    hosts: str | None = None
    """URLs of all hosts, separated by commas; they replace those of the config."""
    keeper: str | None = None
    """Name of the host that keeps resources and timers; replaces the config's."""
    peer_ca: str | None = None
    """PEM file with certificates to trust in other hosts, in addition to the system's."""
    pub_bind: str | None = None
    pub_cert: str | None = None
    pub_key: str | None = None
    prv_bind: str | None = None
    prv_cert: str | None = None
    prv_key: str | None = None
    flyte_bind: str | None = None
    """These replace the values of `flyte:` in the config."""
    flyte_cert: str | None = None
    flyte_key: str | None = None
    flyte_policy: str | None = None
    flyte_issuer: str | None = None
    flyte_client_id: str | None = None
    conf: str | None = None
    root: str | None = None
    dev: str | bool | None = None
    insecure: str | bool | None = None
    slots: str | int | None = None
    commands: str | int | None = None


def merged(flags: Flags, environ: Mapping[str, str]) -> Flags:
    """The flags, with `FLOE_<NAME>` for those not given; empty variables are ignored."""
    defaults = {f.name: environ.get(f"FLOE_{f.name.upper()}") or None for f in fields(Flags)}
    given = {f.name: getattr(flags, f.name) for f in fields(Flags)}
    return Flags(**defaults | {name: value for name, value in given.items() if value is not None})


class GivenFlags:
    """Reads flags and environment; every error becomes a finding."""

    def __init__(self, flags: Flags) -> None:
        self._flags = flags
        self._findings: list[Finding] = []

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All errors so far."""
        return tuple(self._findings)

    def has(self, name: str) -> bool:
        """Whether a flag is given."""
        return bool(self.text(name))

    def matching(self, name: str, pattern: re.Pattern[str], default: str, like: str) -> str:
        """A text that matches a pattern, or the default."""
        text = self.text(name) or default
        if not pattern.fullmatch(text):
            self.wrong(name, f"cannot be `{text[:70]}`", like)
            return default
        return text

    def tags(self) -> frozenset[str]:
        """The host's tags."""
        tags = frozenset(filter(None, (t.strip() for t in self.text("tags").split(","))))
        for tag in sorted(tags):
            if not re.fullmatch(TAG.pattern, tag):
                self.wrong("tags", f"`{tag[:70]}` is not a valid tag", TAG.like)
        return tags or frozenset({"master"})

    def urls(self, name: str) -> tuple[str, ...]:
        """URLs of hosts, separated by commas; invalid ones are left out."""
        urls = tuple(dict.fromkeys(filter(None, (u.strip() for u in self.text(name).split(",")))))
        faults = {url: url_fault(url) for url in urls}
        for url, fault in faults.items():
            if fault:
                self.wrong(name, f"cannot be `{url[:70]}`: {fault}", "http://host:port")
        return tuple(url for url in urls if not faults[url])

    def certificates(self, name: str) -> Path | None:
        """A PEM file with certificates; None if not given."""
        path = self._file(name)
        if path is not None and path.is_file():
            try:
                ssl.create_default_context(cafile=path)
            except OSError:  # ssl.SSLError is one
                self.wrong(name, f"{path} has no readable certificate", "give a PEM file")
        return path

    def path(self, name: str) -> Path | None:
        """An absolute path; None if not given."""
        return absolute(self.text(name))

    def secret(self, name: str) -> Secret:
        """The text itself, or the first line of `@file`."""
        text = self.text(name)
        if not text.startswith("@"):
            return Secret(text)
        try:
            path = absolute(text[1:]) or Path()
            found = read_named(path, SECRET_BYTES_MAX).decode().strip()
        except (OSError, ValueError) as e:
            reason = reason_of(e) if isinstance(e, OSError) else "not text"
            self.wrong(
                name,
                f"{text[1:]} cannot be read: {reason}",
                "after @, give the path of a file with the token",
            )
            return Secret("")
        if not found:
            self.wrong(name, f"{text[1:]} is empty", "write the token to it")
        return Secret(found)

    def bind(self, side: Side, default: str) -> Bind | None:
        """An address to serve on, if it is safe: with TLS, on this machine only, or --insecure."""
        name, address = f"{side}_bind", self.text(f"{side}_bind") or default
        cert, key = self.key_pair(side)
        if not address:
            if cert or key:
                self.wrong(f"{side}_cert", f"needs -{side}_bind", "give the address to serve on")
            return None
        try:
            host, _ = split_address(address)
        except ValueError:
            hint = f"host:port, such as {default or '10.0.0.5:8081'}"
            self.wrong(name, f"cannot be `{address[:70]}`", hint)
            return Bind(address="127.0.0.1:0")
        if not (is_loopback(host) or cert or self.flag("insecure")):
            what = f"{address} is open to other machines, and tokens would travel unencrypted"
            hint = f"give -{side}_cert and -{side}_key; --insecure if the network is trusted"
            self.wrong(name, what, hint)
        return Bind(address=address, cert=cert, key=key)

    def key_pair(self, side: Side) -> tuple[Path | None, Path | None]:
        """The files of a certificate and its private key; None for those not given."""
        cert, key = self._file(f"{side}_cert"), self._file(f"{side}_key")
        if (cert is None) != (key is None):
            given, missing = ("cert", "key") if cert else ("key", "cert")
            self.wrong(f"{side}_{given}", f"needs -{side}_{missing} too", "TLS needs both")
        return cert, key

    def whole(self, name: str, default: int) -> int:
        """A number from 1 to 10,000."""
        text = self.text(name)
        if not text:
            return default
        if not re.fullmatch(r"[1-9]\d{0,3}|10000", text):
            self.wrong(name, f"cannot be `{text[:70]}`", "a number from 1 to 10000")
            return default
        return int(text)

    def flag(self, name: str) -> bool:
        """Whether a flag is on."""
        text = self.text(name).lower()
        if text not in ("", *_YES, *_NO):
            self.wrong(name, f"cannot be `{text[:70]}`", "true or false")
        return text in _YES

    def _file(self, name: str) -> Path | None:
        path = absolute(self.text(name))
        if path is not None and not path.is_file():
            self.wrong(name, f"the file {path} does not exist", "give the path of a PEM file")
        return path

    def text(self, name: str) -> str:
        """The text of a flag; empty if it is not given."""
        value = getattr(self._flags, name)
        return "" if value is None else str(value).strip()

    def wrong(self, name: str, what: str, hint: str) -> None:
        """Report that the value of a flag is wrong."""
        where = f"-{name} (or FLOE_{name.upper()})"
        finding = Finding(file=where, line=0, col=0, what=what, hint=hint)
        if finding not in self._findings:
            self._findings.append(finding)


_YES: Final = ("true", "1", "yes", "on", "t")
_NO: Final = ("false", "0", "no", "off", "f")


def absolute(text: str) -> Path | None:
    """The path that a flag names; None for an empty text."""
    # Path.expanduser would raise for an unknown user; this way such a path is just not found.
    return Path(os.path.expanduser(text)).absolute() if text else None  # noqa: PTH111
