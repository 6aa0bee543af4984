"""A request over http(s) as a flow has it: the work of a task of type `http`."""

from typing import Final, Literal

from floe.model.nouns import dataclass
from floe.model.template import Text

BodyType = Literal["text", "json", "form"]

SUCCESS: Final = (200, 299)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpHeader:
    """One header of a request."""

    name: str
    value: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """Send one request over http(s) and judge the status of the reply."""

    url: Text
    method: str
    headers: tuple[HttpHeader, ...] = ()
    body: Text | None = None
    """As it is sent: JSON and forms are encoded, and so is each value that is put into them."""
    body_type: BodyType = "text"
    timeout_s: float = 30.0
    """For the whole exchange, from the look-up of the name to the end of the reply."""

    @property
    def texts(self) -> tuple[Text, ...]:
        """All texts in which values may stand."""
        return (self.url, *(header.value for header in self.headers), self.body or "")

    def expects(self, status: int) -> bool:
        """Whether a reply with this status is good."""
        first, last = SUCCESS
        return first <= status <= last
