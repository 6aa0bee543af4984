"""Where the copy of the warden begins: `python -I warden-v1.pyz FOLDER`."""

import sys

from floe.warden.daemon import main

main(sys.argv)
