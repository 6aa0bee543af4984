"""The entry point of the program's copy: `python -I -S ssh.pyz`."""

from floe.ssh.program import main

main()
