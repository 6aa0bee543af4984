"""Where a pack finds its server, and how it works."""

import os
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

POLL_MIN_S: Final = 0.05


@dataclass(frozen=True)
class PackSettings:
    """Where a pack finds its server, and how it works. Raises ValueError for a wrong setting."""

    url: str
    """The root of the API: `http://127.0.0.1:8080/flyte` for a floe host."""
    token: str = field(default="", repr=False)
    """A JWT, or the token of a floe host; sent with each request. `@FILE`: the content of a file at
    the time of the request, for tokens that are renewed."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Added to the labels of the pack."""
    timeout_s: float = 10
    """The longest time of a request; 0 for no limit."""
    ca: str = ""
    """The file of a certificate to trust; "" for those of the system."""
    is_insecure: bool = False
    """Whether any certificate of the server will do."""
    poll_s: float = 5
    """The pause after a take that gave nothing, on average. After an action there is none."""
    pause_max_s: float = 30
    """The longest pause after requests that failed; the first is a second."""
    at_once: int = 16
    """The most commands that are carried out at the same time."""
    grace_s: float = 30
    """The time for open commands to end once the pack stops."""
    journal: Path | str | None = None
    """The file of the actions that are taken and not delivered; None for none. A process of its
    own has one of its own."""
    health_bind: str = ":8090"
    """The address of the health server, at every interface if it has no host; "" for none."""

    def __post_init__(self) -> None:
        if urlsplit(self.url).scheme not in ("http", "https") or not urlsplit(self.url).hostname:
            raise ValueError(
                f"{self.url!r} is no URL of a server, such as http://127.0.0.1:8080/flyte"
            )
        if not self.poll_s >= POLL_MIN_S or self.at_once < 1:  # NaN is none
            raise ValueError(f"poll_s is at least {POLL_MIN_S}, and at_once at least 1")
        if self.timeout_s < 0 or self.grace_s < 0:
            raise ValueError("timeout_s and grace_s are at least 0")
        if self.health_bind and not self.health_bind.rpartition(":")[2].isdecimal():
            raise ValueError(f"health_bind {self.health_bind!r} has no port: `:8090`")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "PackSettings":
        """Read FLYTE_API, FLYTE_JWT, FLYTE_LABELS (`a=b,c=d`), FLYTE_API_TIMEOUT (seconds),
        FLYTE_POLL_S, FLYTE_JOURNAL and FLYTE_HEALTH_BIND."""
        url = environment.get("FLYTE_API", "")
        if not url:
            raise ValueError("set FLYTE_API to the URL of the server")
        timeout = environment.get("FLYTE_API_TIMEOUT", "") or "10"
        if not timeout.isdecimal():
            raise ValueError(f"FLYTE_API_TIMEOUT is {timeout!r}, not whole seconds")
        labels = _labels(environment.get("FLYTE_LABELS", ""))
        token = environment.get("FLYTE_JWT", "")
        bind = environment.get("FLYTE_HEALTH_BIND", cls.health_bind)
        return cls(
            url,
            token=token,
            labels=labels,
            timeout_s=int(timeout),
            poll_s=_seconds(environment, "FLYTE_POLL_S", cls.poll_s),
            journal=environment.get("FLYTE_JOURNAL") or None,
            health_bind=bind,
        )

    def pauses(self) -> Iterator[float]:
        """Seconds between tries: each about twice the one before it."""
        pause_s = min(1.0, self.pause_max_s)
        while True:
            yield pause_s * random.uniform(0.5, 1)  # noqa: S311  # not a secret
            pause_s = min(2 * pause_s, self.pause_max_s)


def _seconds(environment: Mapping[str, str], name: str, usual: float) -> float:
    text = environment.get(name, "")
    try:
        return float(text) if text else usual
    except ValueError as error:
        raise ValueError(f"{name} is {text!r}, not seconds") from error


def _labels(text: str) -> dict[str, str]:
    labels = {}
    for part in text.split(",") if text.strip() else ():
        name, sign, value = part.partition("=")
        if not sign or not name.strip():
            raise ValueError(f"FLYTE_LABELS has {part!r}, which is not name=value")
        labels[name.strip()] = value.strip()
    return labels
