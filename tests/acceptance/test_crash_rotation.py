"""`kill -9` of the host at every point of a key rotation: every secret and every sealed run can be
read after it."""

from contextlib import suppress
from pathlib import Path

import pytest

from floe.model.errors import Theirs
from tests.acceptance import crash_host
from tests.acceptance.conftest import HostOf
from tests.acceptance.crash_host import ROTATION_ACTS
from tests.acceptance.people import floe, said
from tests.acceptance.product import until

pytestmark = pytest.mark.slow

VALUES = {"NPM_TOKEN": "npm-4f9d2c7e81", "DEPLOY_KEY": "first line 4f9d\nsecond line 4f9d"}
CONFIG = """
flows:
  - id: use
    triggers: [{id: go, type: data}]
    tasks:
      - id: print
        type: exec
        listen: trigger.good
        secrets: [NPM_TOKEN, DEPLOY_KEY]
        opts: {shell: 'test "$NPM_TOKEN,$DEPLOY_KEY" = "$(cat $HERE/expected)"'}
  - id: sealed
    seal: true
    inputs: [{id: card}]
    triggers: [{id: go, type: data}]
    tasks:
      - {id: sign, type: data, listen: trigger.good, opts: {form: {fields: [{id: word}]}}}
"""


@pytest.mark.parametrize("act", ROTATION_ACTS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_secrets_can_be_read_after_a_rotation_that_was_killed(
    host_of: HostOf, tmp_path: Path, when: str, act: str
) -> None:
    host = host_of(CONFIG)
    (tmp_path / "expected").write_text(",".join(VALUES.values()))
    for name, value in VALUES.items():
        host.api.post("hosts/h1/secrets", {"name": name, "value": value})
    runs = [host.trigger("sealed", card=f"card-{number}") for number in range(3)]
    host.stop()
    tally = tmp_path / "tally"
    tally.touch()
    host.launch(crash_host.main, {"FLOE_CRASH_TALLY": str(tally), "FLOE_CRASH_AT": f"{when} {act}"})

    with suppress(Theirs):  # the host dies before it answers
        host.api.post("hosts/h1/secrets/rotate", {})

    until(lambda: not host.is_up(), "its death")
    assert tally.read_text().splitlines()[-1] == f"{when} {act}"
    host.start()
    for number, run in enumerate(runs):
        assert host.show(run)["values"] == {"card": f"card-{number}"}
    over = host.until_over(host.trigger("use"))
    assert over["good"] is True, over["why"]
    done = said(floe(host, "secret", "rotate"))
    assert "secrets encrypted with it: 2" in done
    assert len((host.root / "vault.key").read_text().split()) == 1
    assert host.until_over(host.trigger("use"))["good"] is True
    host.kill()
    host.start()
    host.give(runs[0], "sign", word="ok")
    assert host.until_over(runs[0])["good"] is True
