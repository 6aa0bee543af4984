"""JavaScript of uTask's variables: what programs give, and what no program can do."""

import subprocess
import sys
from typing import Final

import pytest

from floe.expr.errors import ExpressionError, TooMuch
from floe.expr.fuel import RESULT_BYTES_MAX
from floe.expr.javascript import LIMIT_S_MAX, REASON_MAX, run_program

BRIEFLY_S: Final = 0.05


def reason_of(program: str, limit_s: float = LIMIT_S_MAX) -> str:
    with pytest.raises(ExpressionError) as caught:
        run_program(program, limit_s)
    return caught.value.what


@pytest.mark.parametrize(
    ("program", "text"),
    [
        ("2 + 2;", "4"),
        ("var x = 'a'; x.toUpperCase()", "A"),
        ("1/3", "0.3333333333333333"),
        ("1e21", "1e+21"),
        ("-0", "0"),
        ("0.1 + 0.2", "0.30000000000000004"),
        ("12345678901234567890", "12345678901234567000"),
        ("true", "true"),
        ("null", "null"),
        ("undefined", "undefined"),
        ("NaN", "NaN"),
        ("var z = 1", "undefined"),
        ("function f() { return 1 }", "undefined"),
        ("({a: 1})", "[object Object]"),
        ("[1, 2, 3]", "1,2,3"),
        ("[null, undefined]", ","),
        ("JSON.stringify({a: 1, b: ['x'], c: null})", '{"a":1,"b":["x"],"c":null}'),
        ("if (true) { 'yes' } else { 'no' }", "yes"),
        ("(function () { return this === undefined })()", "false"),
        ("try { throw 1 } catch (e) { 'caught ' + e }", "caught 1"),
        ("", "undefined"),
        ("// nothing", "undefined"),
    ],
)
def test_a_program_gives_the_text_of_its_last_value(program: str, text: str) -> None:
    assert run_program(program, LIMIT_S_MAX) == text


@pytest.mark.parametrize("text", ["a\0b", "é", "😀", "\u2028", '"\\"', "\n", "\x7f"])
def test_any_character_passes_in_and_out(text: str) -> None:
    quoted = "'" + "".join(f"\\u{ord(c):04x}" if c in "\"\\\n'" else c for c in text) + "'"
    assert run_program(quoted, LIMIT_S_MAX) == text


def test_half_a_character_is_replaced() -> None:
    assert run_program(r"'a\ud800b'", LIMIT_S_MAX) == "a\ufffdb"


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("throw 'x'", "x"),
        ("throw new Error('boom')", "Error: boom"),
        ("throw null", "null"),
        ("nope", "ReferenceError: nope is not defined"),
        ("var ;", "SyntaxError: variable name expected"),
        ("require('fs')", "ReferenceError: require is not defined"),
        ("throw {toString: function () { throw 'again' }}", "again"),
        ("Object.create(null)", "TypeError: toPrimitive"),
        ("throw Object.create(null)", "TypeError: toPrimitive"),
    ],
)
def test_what_a_program_throws_is_the_error(program: str, reason: str) -> None:
    assert reason_of(program) == reason


def test_the_error_is_short() -> None:
    assert reason_of("throw 'x'.repeat(100000)") == "x" * REASON_MAX


@pytest.mark.parametrize(
    "program",
    [
        "while (true) {}",
        "try { while (true) {} } catch (e) { 1 } finally { while (true) {} }",
        "/(a+)+$/.test('a'.repeat(40) + 'b')",
        "[].constructor.constructor('while (1) {}')()",
        "new Proxy({}, {get: function () { while (1) {} }}).x",
        "({toString: function () { while (1) {} }})",
        "throw {toString: function () { while (1) {} }}",
        "[].indexOf.call({length: 1e15}, 1)",
    ],
)
def test_a_program_that_never_ends_is_stopped(program: str) -> None:
    assert reason_of(program, BRIEFLY_S).startswith("Timed out variable evaluation")


@pytest.mark.parametrize("limit_s", [0.0, -1.0])
def test_a_program_without_time_does_not_run(limit_s: float) -> None:
    assert reason_of("1", limit_s).startswith("Timed out variable evaluation")


@pytest.mark.parametrize(
    "program",
    [
        "var all = []; while (true) all.push(new Array(1e6).fill(0))",
        "new Array(1e8).fill(0)",
        "new Uint8Array(1e9)",
        "'a'.padEnd(1e9)",
        "'a'.repeat(1 << 30)",
        "var s = 'x'; while (true) s += s",
    ],
)
def test_a_program_that_takes_too_much_memory_is_stopped(program: str) -> None:
    assert reason_of(program)


@pytest.mark.parametrize(
    "program",
    [
        "(function f() { return 1 + f() })()",
        "var d = []; for (var i = 0; i < 1e5; i++) d = [d]; JSON.stringify(d)",
        "eval('('.repeat(100000))",
        "var a = []; a.push(a); a",
    ],
)
def test_a_program_that_goes_too_deep_is_stopped(program: str) -> None:
    assert reason_of(program) == "RangeError: Maximum call stack size exceeded"


def test_a_text_of_more_than_1_mib_is_refused() -> None:
    with pytest.raises(TooMuch):
        run_program(f"'x'.repeat({RESULT_BYTES_MAX + 1})", LIMIT_S_MAX)


def test_a_program_leaves_nothing_to_the_next() -> None:
    run_program("leftover = 1; Array.prototype.join = null; String = null", LIMIT_S_MAX)
    assert run_program("typeof leftover + [1, 2]", LIMIT_S_MAX) == "undefined1,2"


@pytest.mark.parametrize(
    "program",
    [
        "String = JSON.stringify = JSON.parse = eval = null; 'mine'",
        "String.prototype.toJSON = function () { return 'yours' }; 'mine'",
        "Object.defineProperty(Object.prototype, '0', {get: function () { return 9 }}); 'mine'",
        "Array.prototype.toString = function () { return 'mine' }; []",
        "[].constructor.constructor('return this')().String = null; 'mine'",
    ],
)
def test_a_program_that_changes_the_language_changes_it_for_itself(program: str) -> None:
    assert run_program(program, LIMIT_S_MAX) == "mine"


@pytest.mark.parametrize(
    "name", ["process", "require", "console", "fetch", "XMLHttpRequest", "std", "os", "setTimeout"]
)
def test_a_program_knows_no_world(name: str) -> None:
    assert run_program(f"typeof {name}", LIMIT_S_MAX) == "undefined"


def test_its_import_starts_no_thread() -> None:
    """An evaluator process may start none."""
    code = "import floe.expr.javascript, os; print(len(os.listdir('/proc/self/task')))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "1\n"
