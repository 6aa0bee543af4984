"""What floe says about documents that are wrong, word by word: tests/data/findings.txt."""

import re
from pathlib import Path

import pytest

from floe.dialects.floe.dialect import FloeDialect

FILE = Path(__file__).parents[3] / "data" / "findings.txt"
HEAD = "== "
ANSWER = "----\n"


def cases() -> list[tuple[str, str, str]]:
    """Name, document and what is said about it."""
    _, *parts = re.split(rf"^{HEAD}", FILE.read_text(), flags=re.MULTILINE)
    found = []
    for part in parts:
        name, _, rest = part.partition("\n")
        document, _, said = rest.partition(ANSWER)
        found.append((name, document.rstrip("\n") + "\n", said.strip("\n")))
    return found


def said_of(document: str) -> str:
    """Every finding as people see it."""
    return "\n".join(map(str, FloeDialect().flows(document, "f.yml").findings))


MAY_BE_SET = """
id: a
triggers:
  - {name: start, type: data}
  - {name: poll, type: poll-git, opts: {url: u}}
  - {name: hook, type: push, opts: {secret: $S}}
env: ['FLOE_IN_OWN=1']
tasks:
  - name: build
    type: exec
    listen: trigger.good
    opts:
      env: ['FLOE_IN_MINE=1']
      shell: |
        # $FLOE_IN_COMMENTED
        set -e
        echo "$FLOE_IN_BRANCH $FLOE_IN_PUSH $FLOE_IN_SUBJECT $FLOE_IN_OWN $FLOE_IN_MINE"
        echo "${FLOE_IN_A:-none} \\$FLOE_IN_B"
        [ -v FLOE_IN_C ] && echo "$FLOE_IN_C"
        FLOE_IN_D=1 && echo "$FLOE_IN_D"
  - {name: clone, type: git-checkout, listen: trigger.good}
  - name: in
    type: exec
    listen: task.clone.good
    opts: {cmd: 'ls $FLOE_IN_DIR $FLOE_IN_HASH $$FLOE_IN_NOT'}
  - {name: after, type: exec, listen: task.build.bad, opts: {cmd: 'echo $FLOE_IN_ANY'}}
  - {name: pause, type: timer, listen: task.after.good, opts: {period: 1}}
  - {name: later, type: exec, listen: task.pause.good, opts: {cmd: 'echo $FLOE_IN_ANY'}}
"""

NO_TRIGGERS = """
id: a
tasks:
  - {name: build, type: exec, listen: trigger.good, opts: {cmd: 'echo $FLOE_IN_ANY'}}
"""


@pytest.mark.parametrize("document", [MAY_BE_SET, NO_TRIGGERS])
def test_inputs_that_may_be_set_are_no_finding(document: str) -> None:
    assert "never set" not in said_of(document)


def promised(said: str) -> str:
    """Leave out the parser's own wording, which its next release may change."""
    return re.sub(
        r"(error: not YAML: )(?!this is never closed$).*", r"\1", said, flags=re.MULTILINE
    )


@pytest.mark.parametrize(("document", "said"), [pytest.param(d, s, id=n) for n, d, s in cases()])
def test_shows_what_is_wrong_where_and_what_to_try(document: str, said: str) -> None:
    assert promised(said_of(document)) == promised(said)


def test_every_case_has_findings() -> None:
    assert [name for name, _, said in cases() if not said] == []


def rewrite() -> None:
    """Write anew what floe says; read the difference before it is committed."""
    head = FILE.read_text().split(f"\n{HEAD}")[0].rstrip("\n")
    parts = [f"{HEAD}{name}\n{doc}{ANSWER}{said_of(doc)}\n" for name, doc, _ in cases()]
    FILE.write_text("\n".join([head + "\n", *parts]))


if __name__ == "__main__":
    rewrite()
