"""The settings of a host, from its YAML, the environment and the command line.

All settings are checked before anything is opened, and all errors are reported at once, with file
and line or the name of the flag. No other package imports this; `app` passes each its own
settings. It must be cheap to import, since every command does.

Source: floe README, "Common Config", "Quick Start"; the original's flags.
"""

from floe.config.check import check_document, read_flow_file
from floe.config.common import digests_of, read_common
from floe.config.conf import PACKAGED, Conf, read_local, which_conf
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
    "read_flow_file",
    "read_local",
    "which_conf",
]
