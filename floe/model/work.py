"""The work of the nodes of a flow: what each type of task does."""

from typing import Annotated, Literal

from floe.model.call import Call, OutsideWork
from floe.model.callback import Callback
from floe.model.children import SubFlow
from floe.model.form import Form
from floe.model.http import Http
from floe.model.notify import Notify
from floe.model.nouns import dataclass
from floe.model.ssh import Ssh
from floe.model.template import Text
from floe.model.workspace_texts import InWorkspace, WsText, WsTexts, WsValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """In a flow: a repository and a commit in it; empty fields are not given.

    Within one layer, `hash` takes precedence over `ref`, and `ref` over `branch`.
    """

    url: WsValue = ""
    hash: str = ""
    ref: str = ""
    branch: str = ""
    from_branch: str = ""
    sub_dir: WsValue = ""
    key_file: WsValue = ""
    submodules: Literal["", "true", "recursive"] = ""
    """For a node: which submodules are also fetched."""
    lfs: bool = False
    """For a node: whether files in git LFS are also fetched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exec:
    """Work of a flow's task: run a command, `argv` or `shell` as a text for `bash -c`.

    Variables in `argv` are expanded in arguments that are data (`expr.command`). The program, which
    is the first, has no template.
    """

    argv: WsTexts = ()
    shell: WsText = ""
    sub_dir: WsValue = ""
    env: WsTexts = ()
    """`NAME=value` entries, after those of the flow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """Work of a flow's task: download a file over http(s)."""

    url: Annotated[Text, InWorkspace.TEXT]
    checksum: Text = ""
    """Hexadecimal, lower case; empty for none. In work that is done a text without values."""
    checksum_algo: Literal["sha256", "sha1", "md5"] = "sha256"
    location: WsValue = ""
    """Empty for the workspace root; a directory if it ends in `/`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitCheckout:
    """Work of a flow's task: check out one commit shallowly into the workspace."""

    git: Git


@dataclass(frozen=True, slots=True, kw_only=True)
class GitMerge:
    """Work of a flow's task: merge `from_branch` into `branch`; a conflict is bad."""

    git: Git


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Work of a flow's timer task: settle good after `period_s` seconds."""

    period_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Work of a flow's data task: open a form and wait for an answer."""

    form: Form


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Work of a flow's task: reaching its node ends the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Work of a flow's merge: settle at once. The node's `needs` express all or any."""


Action = Exec | Fetch | Http | Notify | GitCheckout | GitMerge | Ssh | Call | Callback
"""Work that a host carries out: an executor starts it, reports how it ended, and can stop it.

A class stays here as long as a log or a pinned flow names it: the kernel reads both on every host.
"""

Control = Wait | Ask | End | Join
"""Work that the kernel settles: at once, when a timer is due, or when a user answers a form."""

Work = Action | Control | SubFlow | OutsideWork
"""The work of a node. A flow has it as written; `NodeEntered` has it rendered, with `{{ws}}`
replaced and the commit chosen."""
