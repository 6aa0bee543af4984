"""A request over http(s) as a flow has it: the work of a task of type `http`."""

from typing import Final, Literal

from floe.model.nouns import dataclass
from floe.model.secret_name import SecretRef
from floe.model.template import Template, Text

BodyType = Literal["text", "json", "form"]

SUCCESS: Final = ("2xx",)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpHeader:
    """One header of a request."""

    name: str
    value: Text = ""
    secret: SecretRef | None = None
    """Instead of the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAuth:
    """The credentials of a request: a bearer's token, or a user with a password."""

    bearer: SecretRef | None = None
    user: Text = ""
    password: SecretRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOutput:
    """An output of a request, from its reply."""

    id: str
    value: Template
    """It sees `status`, `headers` and `body`, and nothing of the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """Send one request over http(s) and judge the status of the reply."""

    url: Text
    method: str
    headers: tuple[HttpHeader, ...] = ()
    body: Text | None = None
    """As it is sent: JSON and forms are encoded, and so is each value that is put into them."""
    body_type: BodyType = "text"
    auth: HttpAuth | None = None
    timeout_s: float = 30.0
    """For the whole exchange, from the look-up of the name to the end of the reply."""
    expect: tuple[str, ...] = SUCCESS
    """Statuses that are good: `204`, `2xx`."""
    retry_on: tuple[str, ...] = ()
    """Statuses after which the same attempt sends the request again."""
    outputs: tuple[HttpOutput, ...] = ()
    """Empty for status, headers and body."""
    redirects: int = 0
    """How many are followed."""
    body_max: int = 1 << 20
    """Bytes of the reply's body."""
    ca_file: str = ""
    """Certificates to trust beside the system's."""
    verify: bool = True
    """Whether the certificate of the server is checked."""

    @property
    def texts(self) -> tuple[Text, ...]:
        """All texts in which values of the run may stand."""
        user = self.auth.user if self.auth else ""
        return (self.url, *(header.value for header in self.headers), self.body or "", user)

    def expects(self, status: int) -> bool:
        """Whether a reply with this status is good."""
        return is_among(status, self.expect)


def is_among(status: int, patterns: tuple[str, ...]) -> bool:
    """Whether an HTTP status is one of these, as `204` or `2xx`."""
    return str(status) in patterns or f"{status // 100}xx" in patterns
