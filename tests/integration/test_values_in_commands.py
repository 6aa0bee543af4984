"""No byte of a value is ever executed, whatever it is and however a command asks for it."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from floe.dialects.floe.command_lines import split
from floe.expr.command import expanded
from floe.expr.env_entries import env_values_of
from floe.model.errors import Yours

TRAP = "touch trap"
PIECES = st.sampled_from(
    [
        *(f"; {TRAP};", f"$({TRAP})", f"`{TRAP}`", f"|{TRAP}", f"&&{TRAP}", f"\n{TRAP}\n", TRAP),
        *("'", '"', "\\", "$", "$$", "{}", "-", "--", " ", "=", "a", "%s", "*", "~", "#", "!"),
        *("-c", "-e", "-exec", "-f", "-S", "-i", "-delete", "--eval=", "PATH=.", "BASH_ENV=x"),
        *(f"--checkpoint-action=exec={TRAP}", "--checkpoint=1", f"--to-command={TRAP}"),
        *(f"-oProxyCommand={TRAP}", f"--upload-pack={TRAP}", f"--use-compress-program={TRAP}"),
        *(f"system('{TRAP}')", f'system("{TRAP}")', f"1e {TRAP}", f"s/a/{TRAP}/e", f"exec {TRAP}"),
        *(f"__import__('os').system('{TRAP}')", f'BEGIN{{system("{TRAP}")}}', f"$(shell {TRAP})"),
        *(f"ext::sh -c {TRAP}", f"@{{[`{TRAP}`]}}", f'"; {TRAP}; "', f"'; {TRAP}; '"),
    ]
)
VALUES = st.lists(PIECES, min_size=1, max_size=4).map("".join)
WHERE = st.sampled_from(
    ["$FLOE_IN_X", "${FLOE_IN_X}", "a$FLOE_IN_X", "$MADE", "'$FLOE_IN_X'", '"$FLOE_IN_X"']
)
BEFORE = st.sampled_from(
    ["", "env ", "env A=1 ", "/usr/bin/env -u B ", "nice ", "timeout 5 ", "setsid ", "xargs -r "]
)
LINES = st.sampled_from(
    [
        *("{}", "bash {}", "bash -c {}", "bash -{} x", "env {} true", "env -S {}", "xargs {}"),
        *("bash -c 'echo {} \"$1\"' -- {}", 'sh -ec "echo {}"', "bash +x -c 'echo \"{}\"' {}"),
        *("sh -c 'echo \"$FLOE_IN_X\"'", 'bash --norc -c "printf %s {}" {}', "bash -c true {} {}"),
        *('python3 -c "print({})"', "python3 -c 1 {}", "python3 {}", 'perl -e "print {}"'),
        *('perl -ne "{}" /dev/null', "perl -e 1 {}", "perl {}", 'awk "{}" /dev/null', "awk 1 {}"),
        *("awk -f {}", "awk -v a={} BEGIN{{}}", 'sed "s/a/{}/" file', "sed p {}", "sed -n {} file"),
        *("tar -cf x.tar -I{} file", "tar -cf x.tar --use-compress-program={} file"),
        *("tar -cf x.tar --checkpoint=1 --checkpoint-action=exec={} file",),
        *("tar -cf x.tar --checkpoint=1 --checkpoint-action=exec='echo {}' file",),
        *("find {}", "find . -name {}", "find . -exec {} ;", "find . -exec sh -c 'echo {}' {} ;"),
        *("tar -cf x.tar {}", "tar -cf x.tar -- {}", "tar cf {} file", "tar -cf x.tar file {} {}"),
        *("git log {}", "git -c core.pager={} log", "git clone {} there", "git clone -- {} there"),
        *("make -n {}", "make V={}", "echo {}", "printf %s {}", "cat -- {}", "test {} = {}"),
        *(
            "nice -n {} true",
            "timeout {} true",
            "cp {} there",
            "grep -e {} file",
            "sort -o {} file",
        ),
    ]
)


@pytest.mark.slow
@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(before=BEFORE, line=LINES, where=WHERE, value=VALUES)
def test_no_byte_of_a_value_is_executed(
    tmp_path: Path, before: str, line: str, where: str, value: str
) -> None:
    (tmp_path / "file").write_text("a\n")
    entries = ("MADE=b$FLOE_IN_X",)
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "FLOE_IN_X": value}
    env["MADE"] = "b" + value
    try:
        argv = expanded(
            split(before + line.format(where, where)),
            env,
            env_values_of(entries, escapes=True),
            escapes=True,
        )
    except (Yours, ValueError):  # refused
        return

    with suppress(OSError, subprocess.TimeoutExpired, ValueError):  # a name that is none, a NUL
        subprocess.run(
            argv, env=env, cwd=tmp_path, timeout=20, capture_output=True, stdin=subprocess.DEVNULL
        )

    assert not (tmp_path / "trap").exists()
