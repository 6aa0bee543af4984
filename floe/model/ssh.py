"""The work of an ssh node."""

from floe.model.nouns import dataclass
from floe.model.template import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Ssh:
    """Run a command on a different machine: either `argv`, or `shell` as a text for `bash -c`.

    No variable of floe and no workspace is in its texts: they are for the far side.
    """

    host: Text
    user: Text = ""
    """Empty for the name of floe's own user."""
    port: int = 22
    argv: tuple[Text, ...] = ()
    shell: str = ""
    dir: Text = ""
    """Where it runs there; empty for the home of the user."""
    env: tuple[Text, ...] = ()
    """`NAME=value` entries for the far command. Those of the flow are not sent."""
    key_file: str = ""
    """Empty for the ssh agent and the keys of floe's user."""
    known_hosts: str = ""
    """Empty for the files of floe's user and of the system."""
    connect_timeout_s: float = 30.0
    keepalive_s: float = 15.0
    """A connection of which four such periods pass without an answer is lost."""
    direct: bool = False
    """Send the command alone, without the watcher that ends it when the connection ends."""
