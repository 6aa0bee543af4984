"""What the options of nodes and flows come to when a host runs them: one run of each flow."""

import json
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.people import Web, hosted
from tests.acceptance.product import Host

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

FILE = b"hello\n"
SHA1 = "f572d396fae9206628714fb2ce00f72e94f2258f"

CONFIG = """
common: {grace: 0.2}
flows:
  - name: statuses
    unheard-bad: hold
    triggers: [{name: start, type: data}]
    tasks:
      - {name: listed, type: exec, listen: trigger.good, good: [0, 3], opts: {shell: exit 3}}
      - {name: unlisted, type: exec, listen: trigger.good, good: [3], opts: {cmd: 'true'}}
      - {name: told, type: exec, listen: trigger.good, use-status: true, opts: {shell: exit 7}}
      - name: shot
        type: exec
        listen: trigger.good
        use-status: true
        opts: {shell: 'kill -9 $$'}
      - {name: after-listed, type: exec, listen: task.listed.good, opts: {cmd: 'true'}}
      - {name: after-unlisted, type: exec, listen: task.unlisted.bad, opts: {cmd: 'true'}}
      - {name: after-told, type: exec, listen: task.told.7, opts: {cmd: 'true'}}
      - {name: after-shot, type: exec, listen: task.shot.137, opts: {cmd: 'true'}}
  - name: ignored
    triggers: [{name: start, type: data}]
    tasks:
      - {name: bad, type: exec, listen: trigger.good, ignore-fail: true, opts: {cmd: 'false'}}
      - {name: absent, type: exec, listen: trigger.good, ignore-fail: true, opts: {cmd: no-such}}
      - name: late
        type: exec
        listen: trigger.good
        ignore-fail: true
        timeout: 0.2
        opts: {cmd: sleep 60}
      - {name: all, class: merge, wait: [task.bad.good, task.absent.good, task.late.good]}
      - {name: done, type: end, listen: merge.all.good}
  - name: retried
    triggers: [{name: start, type: data}]
    tasks:
      - name: flaky
        type: exec
        listen: trigger.good
        retry: {max: 3, backoff: {first: 0.2, factor: 2, max: 10}}
        opts:
          shell: |
            set -e
            date +%s%N >> tries
            n=$(wc -l < tries)
            echo "try $n"
            echo "from=$n" >> "$FLOE_OUTPUTS"
            [ "$n" = 1 ] && echo "only-first=1" >> "$FLOE_OUTPUTS"
            [ "$n" = 3 ]
      - {name: see, type: exec, listen: task.flaky.good, opts: {shell: 'cat tries "$FLOE_INPUT"'}}
      - {name: done, type: end, listen: task.see.good}
  - name: given-up
    triggers: [{name: start, type: data}]
    tasks:
      - name: never
        type: exec
        listen: trigger.good
        timeout: 0.2
        retry: {max: 1, backoff: 0.1}
        opts: {cmd: sleep 60}
      - {name: noticed, type: exec, listen: task.never.error, opts: {cmd: 'true'}}
  - name: waits
    triggers: [{name: start, type: data}]
    tasks:
      - {name: pause, type: timer, listen: trigger.good, opts: {period: 0.5}}
      - {name: done, type: end, listen: task.pause.good}
  - name: fetches
    unheard-bad: hold
    triggers: [{name: start, type: data}]
    tasks:
      - name: right
        type: fetch
        listen: trigger.good
        opts:
          url: $WEB/a.txt
          checksum: SHA1
          checksum-algo: sha1
          location: '{{ws}}/in/a/folder/'
      - name: look
        type: exec
        listen: task.right.good
        opts: {cmd: cat in/a/folder/a.txt}
      - name: wrong
        type: fetch
        listen: trigger.good
        opts: {url: $WEB/a.txt, checksum: WRONG, checksum-algo: sha1, location: w}
      - name: out
        type: fetch
        listen: task.link.good
        opts: {url: $WEB/a.txt, location: link/a.txt}
      - {name: link, type: exec, listen: trigger.good, opts: {cmd: ln -s /tmp link}}
      - {name: away, type: exec, listen: task.link.good, opts: {sub-dir: link, cmd: pwd}}
      - {name: none, type: fetch, listen: trigger.good, opts: {url: $WEB/none.txt}}
  - name: words
    env: ['TOP={{ws}}/top', 'DOT=.', 'BELOW=./below', 'LONG=$DOT/$BELOW', 'KEEP=$NO_SUCH']
    triggers: [{name: start, type: data, opts: {form: {fields: [{id: text, type: text}]}}}]
    tasks:
      - name: split
        type: exec
        listen: trigger.good
        opts:
          sub-dir: a/b
          env: [OWN=$TOP/own]
          cmd: >-
            python3 -c 'import json, os, sys;
            print(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]))'
            $FLOE_IN_TEXT "$OWN" $NO_SUCH {{ws}}/x ./y
      - name: listed
        type: exec
        listen: trigger.good
        opts: {cmd: printf, args: ['%s|', $FLOE_IN_TEXT, 'two words', ./z]}
      - name: shell
        type: exec
        listen: trigger.good
        opts: {shell: 'printf "%s|" "$FLOE_IN_TEXT"', args: [more, '"and more"']}
  - name: nearest
    triggers:
      - name: start
        type: data
        opts: {form: {fields: [{id: far, value: trigger}, {id: near, value: trigger}]}}
    tasks:
      - name: left
        type: exec
        listen: trigger.good
        opts: {shell: 'printf "near=left\\nl=1\\n" >> "$FLOE_OUTPUTS"'}
      - name: right
        type: exec
        listen: task.left.good
        opts: {shell: 'printf "near=right\\nr=1\\n" >> "$FLOE_OUTPUTS"'}
      - {name: all, class: merge, wait: [task.right.good, task.left.good]}
      - {name: any, class: merge, type: any, wait: [task.right.good, task.left.good]}
      - {name: see-all, type: exec, listen: merge.all.good, opts: {shell: 'cat "$FLOE_INPUT"'}}
      - {name: see-any, type: exec, listen: merge.any.good, opts: {shell: 'cat "$FLOE_INPUT"'}}
      - {name: see-right, type: exec, listen: task.right.good, opts: {shell: 'cat "$FLOE_INPUT"'}}
      - {name: further, type: exec, listen: task.see-right.good, opts: {shell: 'cat "$FLOE_INPUT"'}}
  - name: held
    unheard-bad: hold
    triggers: [{name: start, type: data}]
    tasks:
      - {name: fails, type: exec, listen: trigger.good, opts: {shell: 'touch failed; exit 5'}}
      - name: goes-on
        type: exec
        listen: trigger.good
        opts: {shell: 'until [ -e failed ]; do sleep 0.02; done; sleep 0.3; echo done'}
  - name: cut
    triggers: [{name: start, type: data}]
    tasks:
      - name: fails
        type: exec
        listen: trigger.good
        opts: {shell: 'until [ -e up ]; do sleep 0.02; done; exit 5'}
      - {name: goes-on, type: exec, listen: trigger.good, opts: {shell: 'touch up; sleep 60'}}
  - name: limited
    timeout: 0.5
    triggers: [{name: start, type: data}]
    tasks: [{name: long, type: exec, listen: trigger.good, opts: {cmd: sleep 60}}]
  - name: stalled
    triggers: [{name: start, type: data}]
    tasks:
      - {name: probe, type: exec, listen: trigger.good, use-status: true, opts: {shell: exit 4}}
      - {name: heard, type: exec, listen: task.probe.4, opts: {cmd: 'true'}}
      - {name: five, type: exec, listen: task.probe.5, opts: {cmd: 'true'}}
      - {name: both, class: merge, wait: [task.heard.good, task.five.good]}
      - {name: done, type: end, listen: merge.both.good}
"""

TEXT = """a b "c" $(touch /nowhere) `x` ;'\n*"""
VALUES = {"words": {"text": TEXT}}


class Ran:
    """A run that is over: how it ended and what its nodes came to."""

    def __init__(self, host: Host, run: str) -> None:
        self.host = host
        self.run = host.until_over(run)

    def __getitem__(self, node: str) -> dict[str, Any]:
        found: dict[str, Any] = next(n for n in self.run["nodes"] if n["id"] == node)
        return found

    @property
    def why(self) -> str:
        return str(self.run["why"])

    @property
    def good(self) -> bool:
        return bool(self.run["good"])

    def said(self, node: str, attempt: int = 1) -> str:
        """What an attempt printed."""
        return self.host.output(self.run["id"], node, attempt).decode()

    def took_s(self, node: str) -> float:
        """How long a node took from its entry to its end."""
        at = self[node]
        begun, ended = (datetime.fromisoformat(at[k]) for k in ("entered_at", "ended_at"))
        return (ended - begun).total_seconds()


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Ran]]:
    """One run of each flow."""
    with Web().serving() as web:
        web.files["/a.txt"] = FILE
        text = CONFIG.replace("$WEB", web.url).replace("WRONG", f"{SHA1[:-4]}0000")
        with hosted(tmp_path_factory.mktemp("options"), text.replace("SHA1", SHA1)) as host:
            assert host.api.get("flows")["findings"] == []
            names = [flow["id"] for flow in host.api.get("flows")["flows"]]
            started = {name: host.trigger(name, **VALUES.get(name, {})) for name in names}
            yield {name: Ran(host, run) for name, run in started.items()}


def test_exit_statuses_count_as_listed(ran: dict[str, Ran]) -> None:
    run = ran["statuses"]

    tags = {node: run[node]["tag"] for node in ("listed", "unlisted", "told", "shot")}

    assert tags == {
        "listed": "task.listed.good",
        "unlisted": "task.unlisted.bad",
        "told": "task.told.7",
        "shot": "task.shot.137",
    }
    assert all(run[f"after-{node}"]["good"] for node in tags)


def test_ignored_failures_of_each_kind_are_good(ran: dict[str, Ran]) -> None:
    run = ran["ignored"]

    assert run.good, run.why
    assert [run[n]["tag"] for n in ("bad", "absent", "late")] == [
        "task.bad.good",
        "task.absent.good",
        "task.late.good",
    ]
    assert run["bad"]["status"] == 1
    assert "no-such" in run["absent"]["why"]


def test_attempts_wait_longer_each_time_and_the_last_one_counts(ran: dict[str, Ran]) -> None:
    run = ran["retried"]
    *tries, values = run.said("see").splitlines()

    waits = [(int(b) - int(a)) / 1e9 for a, b in pairwise(tries)]

    assert run.good, run.why
    assert [run.said("flaky", n) for n in (1, 2, 3)] == ["try 1\n", "try 2\n", "try 3\n"]
    assert waits[0] >= 0.18  # a tenth less by chance
    assert waits[1] >= 0.36
    assert json.loads(values) == {"from": "3"}
    assert [a["result"] for a in run["flaky"]["attempts"]] == ["bad", "bad", "good"]


def test_last_attempt_that_is_out_of_time_is_an_error(ran: dict[str, Ran]) -> None:
    run = ran["given-up"]

    assert [a["result"] for a in run["never"]["attempts"]] == ["error", "error"]
    assert run["never"]["tag"] == "task.never.error"
    assert "0.2 s" in run["never"]["why"]
    assert run.good


def test_timer_task_takes_its_time(ran: dict[str, Ran]) -> None:
    assert ran["waits"].good
    assert ran["waits"].took_s("pause") >= 0.5


def test_file_is_fetched_to_its_place_or_not_at_all(ran: dict[str, Ran]) -> None:
    run = ran["fetches"]

    assert run.said("look") == FILE.decode()
    assert run["wrong"]["tag"] == "task.wrong.bad"
    assert SHA1 in run["wrong"]["why"] + run.said("wrong")
    assert not Path(run.run["workspace"], "w").exists()
    assert "503" in run["none"]["why"] + run.said("none")


def test_link_out_of_the_workspace_is_not_followed(ran: dict[str, Ran]) -> None:
    run = ran["fetches"]

    assert [run[node]["tag"] for node in ("out", "away")] == ["task.out.error", "task.away.error"]
    assert "leads out of the workspace" in run["out"]["why"]
    assert "leads out of the workspace" in run["away"]["why"]


def test_arguments_of_a_command_are_split_before_values_are_put_in(ran: dict[str, Ran]) -> None:
    run, ws = ran["words"], ran["words"].run["workspace"]

    argv, folder, env = json.loads(run.said("split"))

    assert argv == [TEXT, f"{ws}/top/own", "$NO_SUCH", f"{ws}/x", f"{ws}/y"]
    assert folder == f"{ws}/a/b"
    assert run.said("listed") == f"{TEXT}|two words|{ws}/z|"
    assert run.said("shell") == f"{TEXT}|more|and more|"
    assert (env["TOP"], env["DOT"], env["BELOW"]) == (f"{ws}/top", ws, f"{ws}/below")
    assert (env["LONG"], env["KEEP"], env["FLOEWS"]) == (f"{ws}/{ws}/below", "$NO_SUCH", ws)


def test_nearest_value_of_a_name_wins(ran: dict[str, Ran]) -> None:
    seen = {n: json.loads(ran["nearest"].said(f"see-{n}")) for n in ("all", "any", "right")}
    far = {"far": "trigger"}

    assert seen["all"] == {**far, "near": "left", "l": "1", "r": "1"}  # the later in `wait`
    assert seen["any"] == {**far, "near": "left", "l": "1"}  # what stood when it entered
    assert seen["right"] == {**far, "near": "right", "l": "1", "r": "1"}
    assert json.loads(ran["nearest"].said("further")) == seen["right"]


def test_bad_event_that_no_node_listens_to_holds_until_the_rest_is_done(
    ran: dict[str, Ran],
) -> None:
    run = ran["held"]

    assert not run.good
    assert run.why == "fails failed: exit status 5"
    assert run.said("goes-on") == "done\n"


def test_bad_event_that_no_node_listens_to_ends_a_run_at_once(ran: dict[str, Ran]) -> None:
    run = ran["cut"]

    assert not run.good
    assert run.why == "fails failed: exit status 5"
    assert (run["goes-on"]["state"], run["goes-on"]["tag"]) == ("stopped", None)


def test_run_that_is_out_of_time_ends_bad(ran: dict[str, Ran]) -> None:
    run = ran["limited"]

    assert not run.good
    assert "0.5s" in run.why
    assert run["long"]["state"] == "stopped"


def test_run_whose_end_can_no_longer_come_shows_what_never_ran(ran: dict[str, Ran]) -> None:
    run = ran["stalled"]

    why = run.host.api.get(f"runs/{run.run['id']}/why")

    assert not run.good
    assert "stalled" in run.why
    assert why["never"] == [
        {"node": "task.five", "tags": ["task.probe.5"], "why": "probe did not exit with 5"},
        {"node": "merge.both", "tags": ["task.five.good"], "why": "five did not run"},
        {"node": "task.done", "tags": ["merge.both.good"], "why": "both did not run"},
    ]
