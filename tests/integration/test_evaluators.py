"""Evaluator processes as a host has them: started when needed, asked, killed, replaced."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from floe.evaluators import exchange, queue
from floe.evaluators.base import EvaluatorFailed
from floe.model.ids import RunRef
from floe.model.judging import Verdict
from tests.hands import until
from tests.make import H1, REF, STORE
from tests.make_evaluators import (
    StoredFacts,
    a_judgement,
    a_log,
    a_pool,
    judged,
    states,
)

pytestmark = pytest.mark.slow

OTHER = RunRef(H1, STORE, 2)


def pid_of(verdict: Verdict) -> int:
    """The process that gave a verdict."""
    pid = verdict.outputs["pid"]
    assert isinstance(pid, int)
    return pid


def is_alive(pid: int) -> bool:
    """Whether a process runs, and is not only waited for."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def group_of(group: int) -> list[int]:
    """The processes of a group."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[2]) == group and is_alive(int(stat.parent.name)):
                found.append(int(stat.parent.name))
    return found


async def test_idle_host_has_no_evaluator_process() -> None:
    async with a_pool(4) as pool:
        assert pool.counts().running == 0


async def test_each_ask_sees_the_verdicts_before_it() -> None:
    async with a_pool() as pool:
        found = await judged(pool, a_judgement("a", "b", "c"))

    assert states(found) == ["before a", "before b", "before c"]
    assert found[2].outputs["before"] == ["before a", "before b"]


async def test_judgement_sees_the_run_as_it_was_at_its_fact() -> None:
    async with a_pool() as pool:
        facts = StoredFacts(a_log(5, colour="blue"))
        [found] = await judged(pool, a_judgement("a", seq=3), facts)

    assert (found.outputs["seq"], found.outputs["flow"]) == (3, "flow")
    assert found.outputs["colour"] == "blue"


async def test_second_judgement_of_a_run_is_sent_only_the_new_facts() -> None:
    facts = StoredFacts(a_log(1000))
    async with a_pool() as pool:
        await judged(pool, a_judgement("a", seq=998), facts)
        facts.reads.clear()
        [found] = await judged(pool, a_judgement("a", seq=1000), facts)

    assert (facts.reads, found.outputs["seq"]) == ([2], 1000)


async def test_run_under_a_later_epoch_is_sent_as_a_whole() -> None:
    """Its log may be another one from some fact on."""
    facts = StoredFacts(a_log(3))
    async with a_pool() as pool:
        await judged(pool, a_judgement("a", seq=2), facts)
        facts.reads.clear()
        await judged(pool, a_judgement("a", seq=3, epoch=2), facts)

    assert facts.reads == [3]


async def test_process_asks_for_all_of_a_run_that_it_lost() -> None:
    one, other = (a_log(3, RunRef(H1, STORE, n), text="x" * 20_000_000) for n in (1, 2))
    facts = StoredFacts(one, other)
    async with a_pool(limit_s=60.0) as pool:
        for log in (one, other):
            await judged(pool, a_judgement("a", seq=2, run=log[0].record.run), facts)
        facts.reads.clear()
        [found] = await judged(pool, a_judgement("a", seq=3), facts)

    assert (facts.reads, found.outputs["seq"]) == ([1, 3, 2], 3)


async def test_run_of_10_mb_is_judged() -> None:
    log = [stored for n in range(1) for stored in a_log(1000, text="x" * 10_000_000, number=n)]
    async with a_pool(limit_s=60.0) as pool:
        [found] = await judged(pool, a_judgement("a", seq=1000), StoredFacts(log))

    assert found.failed == ""


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("forever", "timed out after 2 s"),
        ("sleep", "timed out after 2 s"),
        ("eat", "needed more than 512 MiB of memory"),
        ("exit", "ended with exit status 7"),
        ("segfault", "was ended by signal 11 (SIGSEGV)"),
        ("garbage", "sent a malformed frame: "),
        ("flood", "sent "),
        ("close", "closed its socket"),
        ("forge", "sent "),
    ],
)
async def test_poisonous_ask_does_not_take_its_neighbours_with_it(how: str, why: str) -> None:
    async with a_pool(limit_s=2.0) as pool:
        found = await judged(pool, a_judgement("a", how, "b"))

    assert states(found)[::2] == ["before a", "before b"]
    assert found[1].failed.startswith(why)
    assert found[2].outputs["before"] == ["before a", found[1].failed]


async def test_process_that_an_evaluator_started_ends_with_its_own() -> None:
    """Unless floe runs as root it cannot even start one."""
    async with a_pool(limit_s=2.0) as pool:
        [first] = await judged(pool, a_judgement("a"))
        [found] = await judged(pool, a_judgement("fork"))

        assert found.failed.startswith(("timed out", "BlockingIOError"))
        await until(lambda: group_of(pid_of(first)) == [])


async def test_process_ends_with_its_host() -> None:
    """Also where it is in an endless loop, and the host had no time to end it."""
    host = subprocess.Popen(
        [sys.executable, "-m", "tests.evaluating_host"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert host.stdout is not None
        pid = int(host.stdout.readline())
    finally:
        host.kill()
        host.communicate()

    await until(lambda: not is_alive(pid))


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("raise", "ValueError: no such step"),
        ("recurse", "RecursionError: maximum recursion depth exceeded"),
        ("leave", "SystemExit: 7"),
        ("write", "OSError: [Errno 27] File too large"),
    ],
)
async def test_ask_that_raises_ends_no_process(how: str, why: str) -> None:
    async with a_pool() as pool:
        found = await judged(pool, a_judgement("a", how, "b"))

    assert found[1].failed.startswith(why)
    assert (pid_of(found[0]), pool.counts().killed) == (pid_of(found[2]), 0)


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("nan", "it has a number that is nan"),
        ("long", "it has a whole number of more than 100 digits"),
        ("half", "it has half a character"),
        ("set", "it gave a verdict with a field of a wrong type"),
        ("deep", "it has more than 64 levels"),
        ("huge", "it has 104857"),
        ("text", "it gave str where a verdict belongs"),
        ("why", "it gave a verdict with a field of a wrong type"),
        ("none", "it gave NoneType where a verdict belongs"),
    ],
)
async def test_verdict_that_no_store_can_keep_is_one_that_failed(how: str, why: str) -> None:
    async with a_pool() as pool:
        found = await judged(pool, a_judgement("a", how, "b", dialect="garbage"))

    assert [bool(verdict.failed) for verdict in found] == [False, True, False]
    assert found[1].failed.startswith(why)


async def test_verdicts_beyond_the_asks_are_ignored() -> None:
    async with a_pool() as pool:
        found = await judged(pool, a_judgement("many", "b"))

    assert states(found) == ["before many", "before b"]


async def test_evaluator_that_prints_is_heard_by_nobody() -> None:
    async with a_pool() as pool:
        found = await judged(pool, a_judgement("print", "b"))

    assert states(found)[1] == "before b"


async def test_ask_is_judged_again_where_its_process_died_by_chance(tmp_path: Path) -> None:
    async with a_pool() as pool:
        facts = StoredFacts(a_log(1, mark=str(tmp_path / "mark")))
        found = await judged(pool, a_judgement("a", "once", "b"), facts)

    assert states(found) == ["before a", "before once", "before b"]
    assert found[2].outputs["before"] == ["before a", "before once"]


async def test_memory_that_earlier_judgements_left_fails_no_later_one() -> None:
    async with a_pool() as pool:
        found = [await judged(pool, a_judgement("leak")) for _ in range(4)]

    assert [states(one) for one in found] == [["before leak"]] * 4


async def test_other_run_of_a_poisoned_process_is_judged() -> None:
    facts = StoredFacts(a_log(1), a_log(1, OTHER))
    async with a_pool(limit_s=1.0) as pool, asyncio.TaskGroup() as tasks:
        bad = tasks.create_task(judged(pool, a_judgement("forever"), facts))
        other = tasks.create_task(judged(pool, a_judgement("a", run=OTHER), facts))

    assert states(bad.result()) == ["timed out after 1 s"]
    assert states(other.result()) == ["before a"]


async def test_judgement_with_too_many_poisonous_asks_is_given_up() -> None:
    """Other runs wait for the process."""
    async with a_pool(limit_s=0.5) as pool:
        found = await judged(pool, a_judgement(*["forever"] * 100, "a"))

    assert states(found) == ["timed out after 0.5 s"] * 101


async def test_judgement_that_ran_out_of_time_has_the_verdicts_until_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each question is judged in time, and all of them take 40 s."""
    monkeypatch.setattr(exchange, "LIMITS_MAX", 0.5)
    async with a_pool() as pool:
        found = await judged(pool, a_judgement(*["slow"] * 400))

    assert 1 <= len(found) < 400


async def test_judgement_that_lost_most_of_its_time_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "LIMITS_MAX", 1.5)
    async with a_pool(limit_s=1.0) as pool:
        found = await judged(pool, a_judgement(*["forever"] * 3))

    assert [bool(verdict.failed) for verdict in found] == [True] * 3


async def test_process_that_a_person_kills_is_replaced() -> None:
    async with a_pool() as pool:
        [first] = await judged(pool, a_judgement("a"))
        os.kill(pid_of(first), signal.SIGKILL)
        [second] = await judged(pool, a_judgement("a"))

    assert (second.failed, pid_of(first) != pid_of(second)) == ("", True)


async def test_dropped_judgement_ends_its_process_and_is_never_answered() -> None:
    answers: list[object] = []
    async with a_pool() as pool:
        pool.begin(a_judgement("forever"), StoredFacts(a_log(1)), answers.append)
        await until(lambda: pool.counts().running)
        pool.drop(a_judgement().run)
        [other] = await judged(pool, a_judgement("a"))

    assert (answers, states([other]), pool.counts().killed) == ([], ["before a"], 0)


async def test_run_that_is_judged_again_knows_why() -> None:
    async with a_pool(limit_s=1.0) as pool:
        pool.begin(a_judgement("forever", "sleep"), StoredFacts(a_log(1)), lambda verdicts: None)
        await until(lambda: "timed out after 1 s" in pool.wait_of(REF))

        assert pool.wait_of(REF).startswith("judged for ")


async def test_dropped_judgement_that_waits_is_never_begun() -> None:
    facts = StoredFacts(a_log(1), a_log(1, OTHER))
    answers: list[object] = []
    async with a_pool() as pool:
        pool.begin(a_judgement("a", run=OTHER), facts, answers.append)
        pool.begin(a_judgement("b"), facts, answers.append)
        pool.drop(a_judgement().run)
        [other] = await judged(pool, a_judgement("c", run=OTHER), facts)

    assert (len(answers), states([other])) == (1, ["before c"])


async def test_run_whose_facts_cannot_be_read_delays_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queue, "FACTS_S", 0.01)
    facts = StoredFacts(a_log(1), a_log(1, OTHER))
    facts.refused.add(OTHER)
    answers: list[Sequence[Verdict]] = []
    async with a_pool() as pool:
        pool.begin(a_judgement("a", run=OTHER), facts, answers.append)
        [found] = await judged(pool, a_judgement("b"), facts)
        was_answered = bool(answers)
        facts.refused.clear()
        await until(lambda: answers)

    assert (states([found]), was_answered) == (["before b"], False)
    assert states(answers[0]) == ["before a"]


async def test_text_is_judged_without_a_run() -> None:
    async with a_pool() as pool:
        assert await pool.judge_text("toy", "title", {"a": [1]}) == {"title": {"a": [1]}}


@pytest.mark.parametrize(
    ("how", "why"), [("raise", "ValueError: no such step"), ("exit", "ended with exit status 7")]
)
async def test_text_that_cannot_be_judged_says_why(how: str, why: str) -> None:
    async with a_pool() as pool:
        with pytest.raises(EvaluatorFailed, match=why):
            await pool.judge_text("toy", how, None)


async def test_dialect_without_an_evaluator_fails_its_asks() -> None:
    async with a_pool() as pool:
        found = await judged(pool, a_judgement("a", dialect="none"))

    assert states(found) == ["LookupError: no evaluator is named none"]


async def test_evaluator_that_cannot_be_imported_fails_its_asks() -> None:
    async with a_pool() as pool:
        found = await judged(pool, a_judgement("a", dialect="missing"))

    assert states(found)[0].startswith("AttributeError: ")


async def test_process_ends_after_a_while_without_work() -> None:
    async with a_pool(idle_s=0.0) as pool:
        [found] = await judged(pool, a_judgement("a"))
        await until(lambda: not Path(f"/proc/{pid_of(found)}").exists())
        [other] = await judged(pool, a_judgement("a"))

    assert states([other]) == ["before a"]


async def test_closed_pool_leaves_no_process() -> None:
    async with a_pool() as pool:
        [found] = await judged(pool, a_judgement("a"))

    assert not Path(f"/proc/{pid_of(found)}").exists()


async def test_process_has_no_variable_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOE_ADMIN", "secret")
    async with a_pool() as pool:
        [found] = await judged(pool, a_judgement("a"))
        environ = Path(f"/proc/{pid_of(found)}/environ").read_bytes()

    assert b"FLOE_ADMIN" not in environ


async def test_process_has_no_file_of_the_host(tmp_path: Path) -> None:
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        async with a_pool() as pool:
            [found] = await judged(pool, a_judgement("a"))
            held = [str(fd.readlink()) for fd in Path(f"/proc/{pid_of(found)}/fd").iterdir()]

    assert str(tmp_path / "open") not in held
    assert len(held) == 4


async def test_runs_are_spread_over_processes() -> None:
    refs = [RunRef(H1, STORE, n) for n in range(1, 20)]
    facts = StoredFacts(*(a_log(1, ref) for ref in refs))
    async with a_pool(2) as pool:
        found = [await judged(pool, a_judgement("a", run=ref), facts) for ref in refs]

    assert len({pid_of(one[0]) for one in found}) == 2


async def test_process_that_cannot_start_fails_no_judgement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As after an upgrade of floe under a host that was not restarted."""
    monkeypatch.setattr("floe.__version__", "0.0.1")
    answers: list[object] = []
    async with a_pool() as pool:
        pool.begin(a_judgement("a"), StoredFacts(a_log(1)), answers.append)
        await until(pool.problem)

        assert pool.wait_of(REF).startswith("no evaluator process can be started: ")

    assert answers == []
    assert pool.problem().startswith("cannot start evaluator processes: the last one is floe ")
