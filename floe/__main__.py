"""`python -m floe` is `floe`."""

from floe.cli import main

main()
