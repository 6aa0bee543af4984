"""What a host is told to be: its YAML, then the environment, then the command line.

Everything is judged before anything is opened: all that is wrong comes at once, with file and
line, or the name of the flag. No room imports this; `app` hands each its own settings. Cheap to
import, since every command pays for it.

Source: floe README, "Common Config", "Quick Start"; the original's flags.
"""

from floe.config.documents import (
    PACKAGED,
    Conf,
    check_document,
    digests_of,
    read_common,
    read_local,
    which_conf,
)
from floe.config.flags import Flags
from floe.config.host import HostConfig, load, others_of

__all__ = [
    "PACKAGED",
    "Conf",
    "Flags",
    "HostConfig",
    "check_document",
    "digests_of",
    "load",
    "others_of",
    "read_common",
    "read_local",
    "which_conf",
]
