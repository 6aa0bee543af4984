"""The entry point of the program's copy: `python -I repository.pyz TASK`, a JSON object."""

import sys

from floe.repository.operations import main

main(sys.argv[1])
