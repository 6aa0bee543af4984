"""The work of a task of type `notify`: one message to people."""

from floe.model.notice import Channel, Notice
from floe.model.nouns import dataclass, replace
from floe.model.secret_name import SecretRef
from floe.model.template import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """Send a text by one channel."""

    channel: Channel
    text: Text
    url: str = ""
    """As of a notice: an http(s) URL, `$NAME` of the host's environment, or `@file`."""
    secret: SecretRef | None = None
    """The secret with the URL, instead of it."""
    to: tuple[str, ...] = ()
    """mail: the addresses."""
    subject: Text = ""
    """mail; if it is empty, flow and node."""

    @property
    def notice(self) -> Notice:
        """The notice that goes the same way."""
        return Notice(channel=self.channel, url=self.url, to=self.to)

    @property
    def place(self) -> str:
        """Its receiver, in a sentence: `Slack at hooks.slack.com`."""
        if self.secret is None:
            return self.notice.place
        shown = replace(self.notice, url="$").place.partition(" (")[0]
        return f"{shown} (secret {self.secret.secret})"
