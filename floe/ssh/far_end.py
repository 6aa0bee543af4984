"""The shell text that runs a command on the far side, and ends it when the connection ends.

sshd does nothing to a command whose connection broke: it goes on. So a watcher beside the command
reads the standard input of the session, to which floe sends a line now and then. At the end of the
input, or after a silence, the watcher ends the process group of the session: TERM, then
KILL. Nothing but a POSIX shell, `sleep` and `kill` is needed there.

Standard error of the command is in one stream with its standard output. That of the session has a
line with the mark when the far shell is ready, and the files with the outputs of the command, the
second behind a line with the mark.

The text itself is sent over standard input, since the far command line is readable for all users of
that machine. It is sent only when the far shell is ready: what a login shell does before that may
take long, and floe may give up, after which nothing must run.

A child of a shell loses a signal that comes before the child has dropped the traps of that shell:
on a busy machine it lost the TERM that a short command's end sends to the watcher, and the session
never ended. So the watcher is started before the trap is set, and a shell with a trap for TERM
ends its children by KILL.
"""

import shlex
from collections.abc import Iterable, Sequence
from typing import Final

EARLIER: Final = 0.8
"""The far KILL comes after this part of the grace: the warden then ends this program."""

FIRST: Final = (
    'n=$(printf "\\nx");n=${n%x};t=;echo "$1" >&2;'
    'while IFS= read -r l;do case "$l" in "$1")eval "$t";exit;;esac;t=$t$l$n;done;exit 1'
)
"""Prints the mark, reads a text up to the mark, and runs it if it is complete. Without quotes and
line ends, for all login shells."""

_WATCHER: Final = """\
end() { trap "" TERM; kill -TERM 0; sleep "$1"; rm -rf "$3"; kill -KILL 0; }
trap "n=1" USR1
exec 3<&0
(while IFS= read -r l; do kill -USR1 $$; done; kill -0 $$ && end "$@") <&3 & r=$!
exec 3<&- </dev/null
trap '[ $! = $r ] || kill -KILL $!; exit' TERM
while n=; sleep "$2" & s=$!; wait $s; [ "$n" ]; do kill -KILL $s; done
end "$@"
"""
"""$1: the grace, $2: the longest silence, $3: the folder for outputs. This shell is in the process
group of the session. TERM ends it; the reader ends with its input."""

_RUN: Final = """\
exec 3<&0 4>&2 </dev/null 2>/dev/null
o=/dev/null; d=$(umask 077 && mktemp -d) && o=$d/outputs
sh -c {watcher} sh {grace} {silence} "$d" <&3 >/dev/null 3<&- 4>&- & w=$!
trap : TERM HUP INT QUIT
(export FLOE_OUTPUTS="$o"; {command}) 2>&1 3<&- 4>&-
s=$?
[ -f "$o" ] && cat "$o" >&4
echo {mark} >&4
[ -f "$o.json" ] && cat "$o.json" >&4
rm -rf "$d"
kill $w
wait $w
exit $s
"""


def first_line(mark: str) -> str:
    """The command line of the far end: it runs the text on standard input, up to a mark.

    When it is ready for the text, the mark is on its standard error.
    """
    return f"exec sh -c '{FIRST}' sh {mark}"


def script(
    argv: Sequence[str],
    env: Iterable[str],
    folder: str,
    *,
    grace_s: float,
    silence_s: float,
    mark: str,
) -> str:
    """The text to send to the far end, with its mark. It may hold any text but NUL."""
    text = _RUN.format(
        watcher=shlex.quote(_WATCHER),
        grace=int(grace_s * EARLIER),
        silence=f"{silence_s:g}",
        command=command(argv, env, folder),
        mark=mark,
    )
    return f"{text}{mark}\n"


def command(argv: Sequence[str], env: Iterable[str], folder: str) -> str:
    """A command for the shell at the far end, in which each argument is quoted."""
    parts = [f"cd -- {shlex.quote(folder)} || exit 1"] if folder else []
    for entry in env:
        name, _, value = entry.partition("=")
        parts.append(f"export {name}={shlex.quote(value)}")
    return "; ".join((*parts, f"exec {shlex.join(argv)}"))
