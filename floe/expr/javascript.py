"""JavaScript in uTask's variables: one program, in an engine of its own that knows no world.

For evaluator processes. The engine stops a program that loops or takes too much memory or stack. A
few of its own functions do not look at the clock (`new Array(1e9).join()`): the host, which has
the clock, ends a process in which one of them takes too long.
"""

import json
from typing import Final

# Its package `quickjs` starts a thread when it is imported, which a confined process may not.
import _quickjs

from floe.expr.errors import ExpressionError, TooMuch
from floe.expr.fuel import RESULT_BYTES_MAX

LIMIT_S_MAX: Final = 2.0
"""Seconds of CPU time of a program, whatever its variable allows: a judgement has five, by a clock
that also counts while other processes have the processor."""

MEMORY_BYTES_MAX: Final = 64 << 20
STACK_BYTES_MAX: Final = 2 << 20
"""About 1,200 calls within each other."""

REASON_MAX: Final = 500
"""Characters of what a program throws."""

_RUN: Final = """(function (String, run, read, write) {
  return function (program) {
    try {
      return write("v" + String(run(read(program))));
    } catch (error) {
      return write("e" + String(error));
    }
  };
})(String, eval, JSON.parse, JSON.stringify)"""
"""Runs a program in the global scope, and gives the text of its last value, or of what it throws.

It keeps the functions that it needs from the program. Texts pass as JSON, which no character cuts.
"""


def run_program(program: str, limit_s: float) -> str:
    """Run a program; give the text of its last value. Raises ExpressionError.

    `limit_s`: seconds of CPU time, at most LIMIT_S_MAX. No time is left where it is not positive.
    """
    if limit_s <= 0:
        raise _timed_out(limit_s)
    limit_s = min(limit_s, LIMIT_S_MAX)
    engine = _quickjs.Context()
    engine.set_memory_limit(MEMORY_BYTES_MAX)
    engine.set_max_stack_size(STACK_BYTES_MAX)
    run = engine.eval(_RUN)
    engine.set_time_limit(limit_s)
    try:
        written = run(json.dumps(program))
    except _quickjs.JSException as error:
        reason = str(error).partition("\n")[0]
        if "interrupted" in reason:
            raise _timed_out(limit_s) from error
        raise ExpressionError(reason[:REASON_MAX]) from error
    units = json.loads(written).encode("utf-16", "surrogatepass")
    text: str = units.decode("utf-16", "replace")
    if text[0] == "e":
        raise ExpressionError(text[1 : REASON_MAX + 1])
    if len(text.encode()) > RESULT_BYTES_MAX:
        raise TooMuch("the program makes a text of more than 1 MiB")
    return text[1:]


def _timed_out(limit_s: float) -> ExpressionError:
    what = f"Timed out variable evaluation: the program takes more than {limit_s:g} s"
    return TooMuch(what, f"a program has {LIMIT_S_MAX:g} s at most")
