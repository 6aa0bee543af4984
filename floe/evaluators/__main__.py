"""The entry point of an evaluator process: `python -m floe.evaluators SOCKET PARENT …`."""

import sys

from floe.evaluators.process import main

main(sys.argv)
