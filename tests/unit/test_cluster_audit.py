"""The audit of real clusters notices what must not be: each rule is broken here once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest

from floe.kernel.evolve import evolve
from floe.model.codec import digest_of, encode_event, to_text
from floe.model.event import Event, RunGranted
from floe.model.ids import FlowId, HostId, Key, NodeId, RunRef, StoreId
from floe.model.run import Run
from floe.model.signal import Activate
from floe.store.base import Record
from tests.acceptance.cluster_audit import Asked, Audit, Left
from tests.acceptance.cluster_flows import TAGS, Told
from tests.make import NOW, a_flow, a_node, a_pended, an_end, attached, decided, exited, started
from tests.sim.disk import Disk

H1, H2 = HostId("h1"), HostId("h2")
S1, S2 = StoreId("aaaa"), StoreId("bbbb")

FLOW = a_flow(
    a_node("one"),
    an_end(on="task.one.good"),
    id=FlowId("tagged"),
    host_tags=("lab",),
    resource_tags=("net",),
)


@dataclass
class Case:
    """Two runs adopted by h1 and executed one after the other by h2, as all is well."""

    left: dict[HostId, Left]
    asked: list[Asked]
    told: list[Told]
    tags: dict[str, str]

    def complaints(self) -> str:
        """What the audit says."""
        return "\n".join(Audit(list(self.left.values()), self.asked, self.told, self.tags).judge())

    def log(self, host: HostId, serial: int) -> list[Record]:
        """A host's copy of a run's log."""
        return self.left[host].disk.logs[ref_of(serial)]


def ref_of(serial: int) -> RunRef:
    return RunRef(H1, S1, serial)


def fences_of(serial: int) -> dict[str, str]:
    return {"net": f"1795600000.{serial}"}


def log_of(serial: int) -> list[Record]:
    """A run's whole log."""
    pended = a_pended(FLOW)
    run = attached(evolve(None, pended, ref=ref_of(serial)), FLOW)
    records = [record_of(run, pended)]

    def add(run: Run, events: Sequence[Event]) -> Run:
        for event in events:
            run = evolve(run, event)
            records.append(record_of(run, event))
        return run

    granted = RunGranted(at=NOW, host=H2, store=S2, epoch=1, fences=fences_of(serial))
    run = add(run, [granted])
    run = add(run, decided(run, Activate(host=H2, epoch=1, workspace="/ws"), NOW).events)
    run = add(run, decided(run, started(run, "one"), NOW).events)
    add(run, decided(run, exited(run, "one"), NOW).events)
    return records


def record_of(run: Run, event: Event) -> Record:
    body = to_text(encode_event(event))
    return Record(run=run.ref, epoch=run.epoch, seq=run.seq, event=event, body=body)


def told_of(serial: int) -> Told:
    key = Key(ref_of(serial), 1, NodeId("one"), 1, 1)
    return Told(key, "h2", fences_of(serial), begun=10.0 * serial, ended=10.0 * serial + 5)


@pytest.fixture
def case() -> Case:
    left = {}
    for host, store, facts in ((H1, S1, 3), (H2, S2, None)):
        disk = Disk(store, 0)
        disk.logs |= {ref_of(serial): log_of(serial)[:facts] for serial in (1, 2)}
        left[host] = Left(host=host, disk=disk, flows={digest_of(FLOW): FLOW})
    asked = [Asked(host="h1", run=str(ref_of(serial))) for serial in (1, 2)]
    return Case(left, asked, [told_of(1), told_of(2)], dict(TAGS))


def test_nothing_is_reported_about_a_cluster_that_did_all_right(case: Case) -> None:
    assert case.complaints() == ""


def lose_a_trigger(case: Case) -> None:
    case.asked.append(Asked(host="h1", run=str(ref_of(3))))


def answer_two_triggers_with_one_run(case: Case) -> None:
    case.asked[1] = case.asked[0]


def start_what_nobody_asked_for(case: Case) -> None:
    del case.asked[1]


def write_two_logs(case: Case) -> None:
    log = case.log(H1, 1)
    log[1] = replace(log[1], body=str(log[1].body).replace("h2", "h3"))


def forget_an_end(case: Case) -> None:
    del case.log(H2, 1)[-2:]


def run_where_the_tags_are_not(case: Case) -> None:
    case.tags["h2"] = "linux"


def hold_a_resource_twice(case: Case) -> None:
    case.told[0] = replace(case.told[0], ended=case.told[1].begun + 1)


def give_a_lower_fence_later(case: Case) -> None:
    case.told = [told_of(1), replace(told_of(2), begun=1.0, ended=2.0)]


def tell_another_fence(case: Case) -> None:
    case.told[1] = replace(case.told[1], fences={"net": "1795600000.7"})


def start_a_command_nobody_recorded(case: Case) -> None:
    key = replace(case.told[1].key, attempt=2)
    case.told.append(replace(case.told[1], key=key))


def start_a_command_elsewhere(case: Case) -> None:
    case.told[1] = replace(case.told[1], host="h1")


def record_a_command_that_never_began(case: Case) -> None:
    del case.told[1]


BROKEN: dict[Callable[[Case], None], str] = {
    lose_a_trigger: "h1-3 was accepted and is on no disk",
    answer_two_triggers_with_one_run: "h1-1 is the answer to 2 triggers",
    start_what_nobody_asked_for: "h1-2 is nobody's trigger",
    write_two_logs: "copies_are_prefixes",
    forget_an_end: "h1-1 is active in the end",
    run_where_the_tags_are_not: "host_has_what_the_flow_asks",
    hold_a_resource_twice: "resource_is_held_once",
    give_a_lower_fence_later: "fences_grow",
    tell_another_fence: "was told the fences",
    start_a_command_nobody_recorded: "began what nobody recorded",
    start_a_command_elsewhere: "what_is_begun_is_stored",
    record_a_command_that_never_began: "recorded what never began",
}


@pytest.mark.parametrize("wrong", BROKEN, ids=lambda wrong: wrong.__name__)
def test_it_is_noticed(case: Case, wrong: Callable[[Case], None]) -> None:
    wrong(case)

    assert BROKEN[wrong] in case.complaints()
