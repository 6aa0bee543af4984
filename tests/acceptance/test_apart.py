"""What the flows of a host do not share, and what others on its machine cannot see."""

import json
import stat
from collections.abc import Iterator

import pytest

from tests.acceptance.people import hosted
from tests.acceptance.product import FLOE, Host
from tests.integration.gits import Repository

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

CONFIG = """
flows:
  - id: work
    triggers: [{id: go, type: data, opts: {url: "$HERE/repo.git", branch: main}}]
    tasks:
      - {id: get, type: git-checkout, listen: trigger.good}
      - {id: look, type: exec, listen: task.get.good, opts: {cmd: python3 $HERE/look.py}}
  - id: file
    flow-file: "file://$HERE/repo.git/flow.yml"
    triggers: [{id: go, type: data, opts: {branch: main}}]
"""

LOOK = """
import json, os, signal, resource
print(json.dumps({
    "fds": sorted(int(n) for n in os.listdir("/proc/self/fd"))[:-1],
    "ignored": [n for n in range(1, 32) if signal.getsignal(n) == signal.SIG_IGN],
    "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "cwd": os.getcwd(),
    "env": dict(os.environ),
}))
"""

ODD = ("bash", "-c", 'umask 0; exec 9>"$HERE/leak"; trap "" INT HUP USR1; exec "$@"', "bash", *FLOE)
"""A host as a careless service starts it."""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host whose root was there before, open to all; a run of each flow is over."""
    folder = tmp_path_factory.mktemp("apart")
    for name in ("cache", "runs", "documents", "warden"):
        (folder / "root" / name).mkdir(parents=True)
    for path in (folder / "root").rglob("*"):
        path.chmod(0o777)
    (folder / "look.py").write_text(LOOK)
    repository = Repository(folder / "repo.git")
    repository.commit(flow_yml="id: file\ntasks: [{id: x, type: end, listen: trigger.good}]\n")
    with hosted(folder, CONFIG) as host:
        host.stop()
        host.start(ODD, env={"HERE": str(folder), "FLOE_SECRET": "x", "MY_OWN": "x"})
        for flow in ("work", "file"):
            assert host.until_over(host.trigger(flow))["good"]
        yield host


def test_nobody_else_can_enter_what_a_host_keeps(host: Host) -> None:
    modes = {path.name: stat.filemode(path.stat().st_mode) for path in host.root.iterdir()}

    assert {"cache", "documents", "floe.db", "runs", "spaces", "warden"} <= modes.keys()
    assert {name: mode for name, mode in modes.items() if mode[4:] != "------"} == {}


def test_command_inherits_nothing_of_its_host(host: Host) -> None:
    runs = host.api.get("runs", flow="work")["runs"]
    found = json.loads(host.output(runs[0]["id"], "look"))

    assert found["fds"] == [0, 1, 2]
    assert (found["ignored"], found["blocked"]) == ([13, 25], [])  # as Python itself sets them
    assert "/spaces/work/ws/" in found["cwd"]
    assert {"FLOE_SECRET", "FLOE_ADMIN", "MY_OWN", "FLOE_ROOT"} & found["env"].keys() == set()
