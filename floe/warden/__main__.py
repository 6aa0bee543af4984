"""The entry point of the warden's copy: `python -I warden-v1.pyz FOLDER`."""

import sys

from floe.warden.daemon import main

main(sys.argv)
