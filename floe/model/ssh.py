"""The work of an ssh node."""

from floe.model.nouns import dataclass
from floe.model.secret_name import SecretRef
from floe.model.template import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCopy:
    """A file to copy over ssh between the workspace and a different machine."""

    source: Text
    target: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Ssh:
    """Run a command on a different machine: `argv`, or `shell` as a text for `bash -c`, or none.

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
    key: SecretRef | None = None
    """Instead of `key_file`."""
    password: SecretRef | None = None
    known_hosts: str = ""
    """Empty for the files of floe's user and of the system."""
    connect_timeout_s: float = 30.0
    keepalive_s: float = 15.0
    """A connection of which four such periods pass without an answer is lost."""
    upload: tuple[FileCopy, ...] = ()
    """Before the command, from the workspace."""
    download: tuple[FileCopy, ...] = ()
    """After the command, into the workspace."""
    direct: bool = False
    """Send the command alone, without the watcher that ends it when the connection ends."""

    @property
    def texts(self) -> tuple[Text, ...]:
        """All texts in which values of the run may stand."""
        copies = (*self.upload, *self.download)
        paths = (path for copy in copies for path in (copy.source, copy.target))
        return (self.host, self.user, self.dir, *self.argv, *self.env, *paths)
