"""How scenarios are written: a flow, then what reaches its run and what comes of it.

    flow timeout=2h
      task.build   exec make all      on trigger.good  | retry=2 backoff=1s
      merge.both   all                on task.build.good task.lint.good
      task.ship    exec ship          on merge.both.good  | if="values.env == 'prod'"
      task.done    end                on task.ship.good

    A task with items has `items=eu,us` or `foreach=values.targets` among its options, `parallel=2`
    and `on-item-bad=stop`; a signal to item 1 of it names `test[1]`.

    > activate                 a signal; the events it brings about are below it
    > rerun from build         a re-run of the ended run; the lines below are about it
    ! RunGranted h2 epoch=2    a fact that the hub records
    @ 90s                      the clock goes on
    ? owed | why | inputs build | phase | title | failed | stays

Lines that begin with a sign are input; what is indented below them is checked, or rewritten.
Everything else is prose.
"""

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from floe.expr.template import NAMES, template_of, template_parts
from floe.kernel.children import end_of
from floe.kernel.children_again import child_again
from floe.kernel.evolve import fold
from floe.kernel.inputs import givers_of, inputs_of
from floe.kernel.items import state_of
from floe.kernel.judge import AT_NODE, CALLBACK, OF_ITEM
from floe.kernel.moving import outlives_host, why_stays
from floe.kernel.owed import key_of, owed, owed_by, parts_of, run_key
from floe.kernel.rerun import RerunChoice, rerun_of
from floe.kernel.result import failed_nodes
from floe.kernel.sentences import either
from floe.kernel.skipping import with_excuses
from floe.kernel.title import title_of
from floe.kernel.why import why
from floe.model.answers import CallAnswered, DataAsked
from floe.model.call import Call, OutsideTexts, OutsideWork
from floe.model.callback import Callback
from floe.model.children import ChildPended, ChildTimedOut, SubFlow
from floe.model.codec import encode, to_text
from floe.model.effect import Effect, OfferWork, PendChild, StopChild
from floe.model.event import (
    CancelAsked,
    Event,
    FlowPinned,
    GrantReturned,
    GrantRevoked,
    GrantSuperseded,
    ItemEntered,
    ItemSettled,
    NodeEntered,
    NodeReset,
    NodeSettled,
    NodeSkipped,
    NodeStarted,
    RepeatArmed,
    RetryArmed,
    RetryDue,
    RunActivated,
    RunEnded,
    RunEnding,
    RunGranted,
    RunPacked,
    WorkReturned,
)
from floe.model.flow import Backoff, Flow, Foreach, Node, Repeat, Retry, RunOutput
from floe.model.form import Form
from floe.model.http import Http
from floe.model.ids import NO_ITEM, HostId, Instant, Json, Key, NodeId, RunRef
from floe.model.moving import RunResumed, RunReturned
from floe.model.outcome import Outcome
from floe.model.run import Run
from floe.model.signal import (
    Abandon,
    Activate,
    Answered,
    Cancel,
    ChildMade,
    DataGiven,
    Exited,
    Failed,
    FlowUnreadable,
    HostLost,
    Report,
    Reported,
    Reset,
    ReturnWork,
    Signal,
    Skip,
    Started,
    Stopped,
    TakeWork,
    TimerFired,
)
from floe.model.summary import summary_of
from floe.model.tags import Tag
from floe.model.taken import ItemsTaken, NodeTaken, RerunOf
from floe.model.template import Text
from floe.model.work import Ask, End, Exec, Fetch, Git, GitCheckout, GitMerge, Wait, Work
from tests.make import (
    NOW,
    REF,
    STORE,
    WORKSPACE,
    a_flow,
    a_merge,
    a_node,
    a_pended,
    attached,
    decided,
    grown,
)

UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def rewritten(text: str, story: "_Story | None" = None) -> str:
    """A scenario with what the kernel does now below each line of input."""
    story = story or _Story()
    out: list[str] = []
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(story.head):
            block = list(_block(lines))
            story.begin(line, block)
            out += [line, *block, ""]
        elif line[:2] in ("> ", "! ", "@ ", "? "):
            out += [line, *(f"    {told}" for told in story.play(line[0], line[2:]))]
        elif not line.startswith("    "):
            out.append(line)
    return "\n".join(out).rstrip() + "\n"


def a_flow_of(line: str, block: Iterable[str]) -> Flow:
    """The flow written in a block: its options, and one line per node."""
    options = dict(word.partition("=")[::2] for word in shlex.split(line)[1:])
    made: dict[str, Any] = {}
    if "timeout" in options:
        made["timeout_s"] = _seconds(options["timeout"])
    if "unheard-bad" in options:
        made["unheard_bad"] = options["unheard-bad"]
    if "on-host-lost" in options:
        made["on_host_lost"] = options["on-host-lost"]
    if "floe-0.1" in options:
        made["inherits"] = False
    if "outputs" in options:
        made["outputs"] = tuple(map(_output, _OUTPUT.findall(options["outputs"])))
    if "run-name" in options:
        made["run_name"] = template_of(template_parts(options["run-name"]))
    return a_flow(*with_excuses([*map(_node, block)]), **made)


class _Story:
    """One run, as the lines of a scenario bring it on."""

    head = "flow"
    """The first word of a flow."""
    log: list[Event]
    run: Run

    def begin(self, line: str, block: Sequence[str]) -> None:
        self.flow = a_flow_of(line, block)
        self.now = NOW
        self._pend({})

    def play(self, sign: str, text: str) -> Iterator[str]:
        match sign:
            case "@":
                self.now = Instant(self.now + round(_seconds(text.strip()) * 1000))
            case "?":
                yield from self._answer(*text.split())
            case "!":
                yield from self._record(_fact(text, self.now))
            case _ if text.startswith("pended"):
                self._pend(_values(shlex.split(text)[1:]), unread="unread" in text.split())
            case _ if text.startswith("rerun"):
                yield from self._rerun(*text.split()[1:])
            case _:
                events = decided(self.run, _signal(self.run, text, self.now), self.now).events
                yield from (told for e in events for told in self._record(e))
                if not events:
                    yield "nothing"

    def _rerun(self, kind: Any, *words: str) -> Iterator[str]:
        node = next((word for word in words if "=" not in word), "")
        by, given = _named(words, "by"), _values(words)
        values = {**self.run.values, **{k: v for k, v in given.items() if k != "by"}}
        choice = RerunChoice(
            kind=kind,
            node=NodeId(node) if node else None,
            by=by,
            is_edited=values != self.run.values,
        )
        rerun = rerun_of(self.run, self.flow, choice)
        if rerun.missing:
            yield f"{node} lacks {' and '.join(map(either, rerun.missing))}"
        for what in ("again", "new"):
            yield f"{what}: {' '.join(getattr(rerun, what)) or 'nothing'}"
        if rerun.children:
            parts = (f"{_at(one.node, one.item)} of {one.run}" for one in rerun.children)
            yield f"children: {', '.join(parts)}"
        if not rerun.missing:
            old = self.run.ref
            of = RerunOf(run=old.key)
            pended = a_pended(self.flow, values=values)
            pended = replace(pended, by=by or pended.by)
            again = replace(pended, rerun_of=of, taken=rerun.taken, items_taken=rerun.items)
            self.log = [replace(again, children=rerun.children)]
            new = RunRef(old.host, old.store, old.serial + 1)
            self.run = attached(fold(new, self.log), self.flow)

    def _pend(self, values: dict[str, Json], *, unread: bool = False) -> None:
        pended = a_pended(None if unread else self.flow, values=values)
        title = "" if unread else title_of(fold(REF, [pended]), self.flow)
        self.log = [replace(pended, title=title)]
        self.run = attached(fold(REF, self.log), self.flow)

    def _record(self, event: Event) -> Iterator[str]:
        before = self.run
        self.run = grown(self.run, (event,))
        self.log.append(event)
        assert fold(self.run.ref, self.log) == self.run
        parts = (owed_by(self.run, *part) for part in parts_of(self.run))
        assert owed(self.run) == frozenset().union(*parts)
        yield self._told(event, before)

    def _answer(self, what: str, *names: str) -> Iterator[str]:
        match what:
            case "owed":
                yield from sorted(map(self._owed, owed(self.run))) or ("nothing",)
            case "inputs":
                state = self.run.nodes[NodeId(names[0])]
                yield to_text(inputs_of(self.run, state))
                if givers := givers_of(self.run, state):
                    yield ", ".join(f"{name} from {node}" for name, node in givers.items())
            case "phase":
                yield self.run.phase
            case "title":
                yield summary_of(self.run).title or "none"
            case "stays":
                yield why_stays(self.run) or f"it may move, outlives={outlives_host(self.run)}"
            case "failed":
                yield ", ".join(failed_nodes(self.run, self.flow)) or "none"
            case _:
                answer = why(self.run)
                yield answer.text
                for node, waits in answer.waiting.items():
                    yield f"  {node}: {', '.join(waits)}"
                for node, never in answer.never.items():
                    yield f"  {node}: never ran: {never.why}"
                for node, reason in answer.skipped.items():
                    yield f"  {node}: skipped, since {reason}"

    def _told(self, event: Event, before: Run) -> str:
        name = type(event).__name__
        match event:
            case NodeEntered(node=node, visit=visit, work=work, sources=sources):
                sees = f" sees {', '.join(sources)}" if sources else ""
                does = "" if work == self.flow.by_id[node].work else f" does {_work(work)}"
                if isinstance(work, Ask) and work.form.text is not None:
                    does = f" says {work.form.text.plain}"
                again = f" visit={visit}" if visit > 1 else ""
                items = f" items {to_text(event.items)}" if event.items else ""
                return f"{name} {node}{again}{sees}{does}{items}"
            case ItemsTaken(node=node, taken=taken):
                return f"{name} {' '.join(_at(node, one.item) for one in taken)}"
            case ItemEntered(node=node, item=item):
                return f"{name} {_at(node, item)}"
            case ItemSettled(node=node, item=item, outcome=outcome):
                outputs = f" outputs {to_text(event.outputs)}" if event.outputs else ""
                return f"{name} {_at(node, item)} {_outcome(outcome)}{outputs}"
            case NodeStarted(node=node, attempt=attempt) if event.take:
                at = _at(node, event.item)
                return f"{name} {at} attempt={attempt} by {event.by}, take {event.take}"
            case NodeStarted(node=node, attempt=attempt) | RetryDue(node=node, attempt=attempt):
                return f"{name} {_at(node, event.item)} attempt={attempt}"
            case WorkReturned(node=node, attempt=attempt):
                return f"{name} {_at(node, event.item)} attempt={attempt} take {event.take}"
            case DataAsked(node=node, item=item):
                return f"{name} {_at(node, item)}"
            case CallAnswered(node=node, item=item, values=values):
                return f"{name} {_at(node, item)} {to_text(values)}"
            case ChildTimedOut(node=node, item=item):
                return f"{name} {_at(node, item)}"
            case ChildPended(node=node, attempt=attempt, run=child):
                new = f": {event.why_new}" if event.why_new else ""
                return f"{name} {_at(node, event.item)} attempt={attempt} {child}{new}"
            case NodeTaken(node=node, from_run=run, outcome=outcome):
                outputs = f" outputs {to_text(event.outputs)}" if event.outputs else ""
                return f"{name} {node} from {run}: {_outcome(outcome)}{outputs}"
            case NodeSkipped(node=node, visit=visit, why=why_, sources=sources):
                sees = f" sees {', '.join(sources)}" if sources else ""
                again = f" visit={visit}" if visit > 1 else ""
                title = f" title {event.title}" if event.title else ""
                return f"{name} {node}{again}{sees}: {why_}{title}"
            case NodeReset(nodes=nodes, by=by):
                return f"{name} {' '.join(nodes)} by {by}"
            case RetryArmed(node=node, attempt=attempt, outcome=outcome, due=due, lost=lost):
                kind = " lost" if lost else ""
                at = _at(node, event.item)
                return f"{name} {at} attempt={attempt}{kind} {_outcome(outcome)} {self._at(due)}"
            case RepeatArmed(node=node, attempt=attempt, outcome=outcome, outputs=outputs, due=due):
                gives = f" outputs {to_text(outputs)}" if outputs else ""
                return f"{name} {node} attempt={attempt} {_outcome(outcome)}{gives} {self._at(due)}"
            case NodeSettled(node=node, outcome=outcome, tag=tag, good=good):
                counts = f"{tag} counts as {'good' if good else 'bad'}" if tag else "no tag"
                outputs = f" outputs {to_text(event.outputs)}" if event.outputs else ""
                by = f" by {event.by}" if event.by else ""
                title = f" title {event.title}" if event.title else ""
                return f"{name} {node} {_outcome(outcome)}{by}: {counts}{outputs}{title}"
            case RunEnding(good=good, result=result, why=why_):
                assert good == (result == "good")
                return f"{name} {result}: {why_}"
            case RunEnded(good=good, why=why_):
                outputs = f" outputs {to_text(event.outputs)}" if event.outputs else ""
                return f"{name} {'good' if good else 'bad'}: {why_}{outputs}"
            case (
                RunActivated(host=host, epoch=epoch)
                | RunGranted(host=host, epoch=epoch)
                | RunResumed(host=host, epoch=epoch)
            ):
                return f"{name} {host} epoch={epoch}"
            case CancelAsked(by=by):
                return f"{name} by {by}"
            case GrantRevoked(epoch=epoch, keeps=True):
                return f"{name} epoch={epoch} keeps: {before.phase} → {self.run.phase}"
            case GrantReturned(epoch=epoch) | GrantRevoked(epoch=epoch) | RunReturned(epoch=epoch):
                return f"{name} epoch={epoch}: {before.phase} → {self.run.phase}"
            case _:
                return f"{name}: {before.phase} → {self.run.phase}"

    def _owed(self, effect: Effect) -> str:
        shape = encode(effect)
        key = getattr(effect, "key", None)
        parts = [type(effect).__name__]
        if isinstance(key, Key):
            parts += [_at(key.node, key.item) or "(run)", f"attempt={key.attempt}"]
            parts += [f"visit={key.visit}"] if key.visit > 1 else []
        if "kind" in shape:
            parts.append(str(shape["kind"]))
        if isinstance(effect, OfferWork):
            parts += [f"queue={effect.queue}", *sorted(effect.labels)]
        if isinstance(effect, PendChild) and (again := child_again(self.run, effect.key)):
            parts.append(f"again={again}")
        if isinstance(effect, StopChild):
            parts.append(effect.run)
        if "due" in shape:
            parts.append(self._at(shape["due"]))
        if shape.get("started"):
            parts.append("started")
        return " ".join(parts)

    def _at(self, due: Instant) -> str:
        return f"due in {(due - self.now) / 1000:g}s"


def _block(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if not line.strip():
            return
        yield line


def _node(line: str) -> Node:
    head, _, options = line.partition(" | ")
    what, _, on = head.rpartition(" on ")
    ref, type_, *words = shlex.split(what)
    cls, _, id = ref.partition(".")
    if cls == "merge":
        loop = dict(word.partition("=")[::2] for word in options.split()).get("loop", "0")
        return a_merge(id, on.split(), type_, loop=int(loop))
    node = a_node(id, _WORKS[type_](words), heard=frozenset(map(Tag, on.split())))
    return _with(node, options)


def _with(node: Node, options: str) -> Node:
    words = (word.replace('"', "") for word in re.findall(r'(?:[^\s"]|"[^"]*")+', options))
    given = dict(word.partition("=")[::2] for word in words)
    backoff = Backoff(first_s=_seconds(given.get("backoff", "1s")))
    return replace(
        node,
        retry=Retry(max=int(given.get("retry", "0")), backoff=backoff),
        timeout_s=_seconds(given["timeout"]) if "timeout" in given else None,
        good=tuple(map(int, given.get("good", "0").split(","))),
        ignore_fail="ignore-fail" in given,
        use_status="use-status" in given,
        loop=int(given.get("loop", "0")),
        repeat=_repeat(given),
        on_lost="retry" if given.get("on-lost") == "retry" else "fail",
        foreach=_foreach(given),
        condition=given.get("if", ""),
    )


def _foreach(given: dict[str, str]) -> Foreach | None:
    if "items" not in given and "foreach" not in given:
        return None
    return Foreach(
        values=tuple(given["items"].split(",")) if "items" in given else (),
        expression=given.get("foreach", ""),
        parallel=int(given["parallel"]) if "parallel" in given else None,
        on_item_bad="stop" if given.get("on-item-bad") == "stop" else "finish",
    )


def _repeat(given: Mapping[str, str]) -> Repeat | None:
    if "until" not in given:
        return None
    every_s = _seconds(given.get("every", "10s"))
    return Repeat(until=given["until"], every_s=every_s, max=int(given.get("max", "3")))


def _form(words: Sequence[str]) -> Form:
    text = _named(words, "text")
    return Form(
        title=" ".join(word for word in words if "=" not in word),
        text=template_of(template_parts(text)) if text else None,
        approvers="not-starter" if "approvers=not-starter" in words else "anyone",
    )


_OUTPUT: Final = re.compile(r"(\w+)=(.*?)(?= \w+=|$)")


def _output(found: tuple[str, str]) -> RunOutput:
    names = (*NAMES, *AT_NODE)
    return RunOutput(id=found[0], value=template_of(template_parts(found[1], names)))


def _callback(words: Sequence[str]) -> Callback:
    url = _named(words, "url")
    return Callback(
        request=Http(url=_text(url), method="POST") if url else None,
        good_when=_named(words, "good-when"),
    )


def _text(word: str) -> Text:
    template = template_of(template_parts(word, (*NAMES, *AT_NODE, *OF_ITEM, CALLBACK)))
    return template if any(part.is_value for part in template.parts) else word


def _git(words: Sequence[str]) -> Git:
    given: dict[str, Any] = {
        k.replace("-", "_"): v for k, _, v in (w.partition("=") for w in words)
    }
    return Git(**given)


_WORKS: Final[dict[str, Callable[[list[str]], Work]]] = {
    "exec": lambda words: Exec(argv=tuple(map(_text, words))),
    "shell": lambda words: Exec(shell=" ".join(words)),
    "env": lambda words: Exec(argv=("env",), env=tuple(map(_text, words))),
    "timer": lambda words: Wait(period_s=_seconds(words[0])),
    "callback": _callback,
    "data": lambda words: Ask(form=_form(words)),
    "fetch": lambda words: Fetch(url=_text(words[0]), location=words[1]),
    "git-checkout": lambda words: GitCheckout(git=_git(words)),
    "git-merge": lambda words: GitMerge(git=_git(words)),
    "flow": lambda words: SubFlow(
        flow=words[0], wait="wait=no" not in words, host=_named(words, "host")
    ),
    "call": lambda words: Call(type=words[0], config=dict(w.split("=") for w in words[1:])),
    "outside": lambda words: OutsideWork(
        type=words[1], queue=words[0], labels=frozenset(words[2:])
    ),
    "outside-texts": lambda words: OutsideWork(
        type=words[1],
        queue=words[0],
        texts=OutsideTexts(input=_text('{"n":1}'), labels=tuple(map(_text, words[2:]))),
    ),
    "end": lambda _: End(),
}


def _signal(run: Run, text: str, now: Instant) -> Signal:
    verb, *words = shlex.split(text)
    match verb, words:
        case "activate", _:
            epoch = int(_named(words, "epoch") or max(run.epoch, 1))
            host = HostId(_named(words, "host") or "h1")
            return Activate(host=host, epoch=epoch, workspace=WORKSPACE)
        case "started", [node, *_]:
            return Started(key=_key(run, node, words), at=now)
        case "child", [node, child, *_]:
            made = ChildMade(key=_key(run, node, words), run=RunRef.parse(child, STORE))
            return replace(made, why_new=_named(words, "new"))
        case (("exited" | "answered" | "failed" | "stopped" | "ended"), [node, *rest]):
            take, key = _named(words, "take"), _key(run, node, words)
            return Reported(key=key, report=_report(verb, rest), at=now, take=take)
        case "take", [node, take, *_]:
            through = HostId(_named(words, "through")) or None
            by = _named(words, "by")
            return TakeWork(key=_key(run, node, words), take=take, by=by, through=through)
        case "return", [node, take, *_]:
            return ReturnWork(key=_key(run, node, words), take=take)
        case "fire", ["run", *_]:
            epoch = int(_named(words, "epoch") or run.epoch)
            return TimerFired(key=replace(run_key(run), epoch=epoch), kind="run")
        case "fire", [("retry" | "wait" | "form" | "child" | "outside") as kind, node, *_]:
            return TimerFired(key=_key(run, node, words), kind=kind)
        case (("give" | "reject"), [node, *_]):
            good = verb == "give"
            by = _named(words, "by") or "alice"
            named = ("by", "visit", "why")
            values = {k: v for k, v in _values(words[1:]).items() if k not in named}
            key = _key(run, node, ())
            is_call = key.node in run.nodes and isinstance(run.nodes[key.node].work, Callback)
            return DataGiven(
                node=key.node,
                values=values,
                good=good,
                by=by,
                item=key.item,
                visit=int(_named(words, "visit") or (key.visit if is_call else 0)),
                why=_named(words, "why"),
            )
        case "reset", [*nodes, by]:
            return Reset(nodes=tuple(map(NodeId, nodes)), by=Tag(by))
        case "cancel", _:
            return Cancel(by="alice", why=" ".join(words))
        case "skip", _:
            return Skip(why=" ".join(words))
        case "abandon", _:
            return Abandon(by="alice", why=" ".join(words))
        case "unreadable", _:
            return FlowUnreadable(why=" ".join(words))
        case "host-lost", [host, *rested]:
            return HostLost(host=HostId(host), keeps=bool(rested) and outlives_host(run))
        case _:
            raise ValueError(f"no signal is written {text!r}")


def _report(verb: str, words: Sequence[str]) -> Report:
    plain = [w for w in words if not w.startswith(("attempt=", "epoch=", "visit=", "take="))]
    if verb == "exited":
        return Exited(status=int(plain[0]), outputs=_values(plain[1:]))
    if verb == "answered":
        kind, given = _named(plain, "kind"), _values(plain[1:])
        outputs = {name: value for name, value in given.items() if name not in ("kind", "why")}
        good = plain[0] == "good"
        return Answered(good=good, why=_named(plain, "why"), kind=kind, outputs=outputs)
    if verb == "failed":
        why_ = " ".join(plain[1:])
        return Failed(cause=plain[0], why=why_)  # type: ignore[arg-type]  # the kernel knows them
    if verb == "ended":
        outputs = _values(plain[2:])
        why_ = " ".join(word for word in plain[2:] if "=" not in word)
        return replace(end_of(plain[0], plain[1], why_), outputs=outputs)  # type: ignore[arg-type]  # a result
    return Stopped()


def _fact(text: str, now: Instant) -> Event:
    name, *words = text.split()
    epoch = int(_named(words, "epoch") or 1)
    match name:
        case "FlowPinned":
            return FlowPinned(at=now, digest="sha256:1", source="flow.yml")
        case "RunGranted":
            host = HostId(words[0])
            return RunGranted(at=now, host=host, store=STORE, epoch=epoch, fences={})
        case "GrantReturned":
            return GrantReturned(at=now, epoch=epoch, why=" ".join(words[1:]))
        case "GrantRevoked":
            return GrantRevoked(at=now, epoch=epoch)
        case "RunReturned":
            return RunReturned(at=now, epoch=epoch)
        case "GrantSuperseded":
            return GrantSuperseded(at=now, epoch=epoch)
        case "RunPacked":
            return RunPacked(at=now, digests={})
        case _:
            raise ValueError(f"no fact of the hub is written {text!r}")


def _key(run: Run, node: str, words: Sequence[str]) -> Key:
    name, _, index = node.removesuffix("]").partition("[")
    id, item = NodeId(name), int(index or NO_ITEM)
    state = state_of(run, id, item)
    now = key_of(run, id, state) if state else Key(run.ref, run.epoch, id, 1, 1, item)
    attempt = int(_named(words, "attempt") or now.attempt)
    epoch = int(_named(words, "epoch") or now.epoch)
    visit = int(_named(words, "visit") or now.visit)
    return replace(now, visit=visit, attempt=attempt, epoch=epoch)


def _at(node: NodeId, item: int) -> str:
    return node if item == NO_ITEM else f"{node}[{item}]"


def _named(words: Sequence[str], name: str) -> str:
    return next((w.partition("=")[2] for w in words if w.startswith(f"{name}=")), "")


def _values(words: Sequence[str]) -> dict[str, Json]:
    return dict(w.partition("=")[::2] for w in words if "=" in w)


def _seconds(text: str) -> float:
    return float(text[:-1]) * UNITS[text[-1]]


def _outcome(outcome: Outcome) -> str:
    how = outcome.why or (f"exit status {outcome.status}" if outcome.status is not None else "")
    kind = f" {outcome.kind}" if outcome.kind else ""
    return outcome.result + kind + (f" ({how})" if how else "")


def _work(work: Work) -> str:
    return to_text(encode(work))
