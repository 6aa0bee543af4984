"""The flows a host knows, and the reading of flow-files for runs."""

import asyncio
import dataclasses
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field, replace
from typing import Final

import structlog

from floe.dialects.base import Dialect, FlowText
from floe.expr.form_values import check_values_size, checked_values
from floe.host.by_hand import as_pushed, head_of
from floe.host.inputs import FlowRead, Start
from floe.host.pack_events import as_heard
from floe.host.trigger_values import ref_values, trigger_values
from floe.model.codec import digest_of
from floe.model.errors import ConfigInvalid, FloeError, NotFound, PlaceHangs, Yours
from floe.model.finding import Finding
from floe.model.flow import Flow, Trigger, TriggerType
from floe.model.ids import FlowId, Instant, Json, Shape
from floe.model.run import Run
from floe.model.secret import without_password
from floe.model.signal import FlowUnreadable
from floe.model.start_form import form_of
from floe.model.work import Git
from floe.nodes.base import Documents, Refs

log = structlog.get_logger()

TRIES: Final = 3
"""Attempts to read a flow-file before its run ends bad."""

RETRY_S: Final = 1.0
"""Seconds before the second try; doubled before the third."""

_COMMIT: Final = re.compile("#[0-9a-f]{40,64}$")

AGAIN_S: Final = 5.0
"""Seconds to read a flow-file again for a page: a commit that is not here any more is fetched."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FlowBook:
    """The flows of one reading of the host's config."""

    flows: tuple[Flow, ...] = ()
    findings: tuple[Finding, ...] = ()
    path: str = ""
    """Where the config was read from."""
    digest: str = ""
    """Of the config's text."""
    loaded_at: Instant | None = None
    common: Mapping[str, str] = field(default_factory=dict)
    """The digest of each value of `common:` by key, which two hosts may compare."""
    written: Mapping[tuple[FlowId, int], FlowText] = field(default_factory=dict)
    """By flow id and version, as far as they can be shown."""
    functions: Mapping[str, Shape] = field(default_factory=dict)
    """What steps of uTask's templates may use: documents by name."""
    digests: Mapping[str, str] = field(init=False, repr=False, compare=False)
    """Derived: `id@ver` to the digest of the compiled flow."""
    bodies: Mapping[str, str] = field(init=False, repr=False, compare=False)
    """Derived: the same without the origin of the flow, which two hosts may compare."""

    def __post_init__(self) -> None:
        digests = {f"{f.id}@{f.ver}": digest_of(f) for f in self.flows}
        bodies = {f"{f.id}@{f.ver}": digest_of(replace(f, origin="")) for f in self.flows}
        object.__setattr__(self, "digests", digests)
        object.__setattr__(self, "bodies", bodies)

    def find(self, name: str) -> Flow:
        """A flow by `id` (its highest version) or `id@ver`. Raises NotFound."""
        found = [f for f in self.flows if name in (f.id, f"{f.id}@{f.ver}")]
        if found:
            return max(found, key=lambda f: f.ver)
        from difflib import get_close_matches  # needed for errors only

        ids = sorted({f.id for f in self.flows})
        near = get_close_matches(name[:80], [*ids, *self.digests], n=1)
        hint = f"did you mean {near[0]}?" if near else "the flows are " + (", ".join(ids) or "none")
        raise NotFound(f"no flow {name[:80]!r}", hint)

    def exact(self, id: FlowId, ver: int) -> Flow | None:
        """A flow by id and version; None where there is none."""
        return next((f for f in self.flows if (f.id, f.ver) == (id, ver)), None)

    def timed(self) -> list[str]:
        """`id@ver` of each flow with a trigger that only the keeper fires: a timer or a poll."""
        fired = [f for f in self.flows if any(t.type in ("timer", "poll-git") for t in f.triggers)]
        return [f"{f.id}@{f.ver}" for f in fired]

    def digest_of(self, flow: Flow) -> str | None:
        """The digest to pin to a run; None where a flow-file is to be read first."""
        return None if flow.flow_file else self.digests[f"{flow.id}@{flow.ver}"]


class Flows:
    """The flows that a host has now."""

    def __init__(self, book: FlowBook, read: Callable[[], Awaitable[FlowBook]]) -> None:
        """`read` reads the config again. Raises ConfigInvalid."""
        self.book = book
        self._read = read

    def exact(self, id: FlowId, ver: int) -> Flow | None:
        """A flow by id and version; None where there is none."""
        return self.book.exact(id, ver)

    async def reload(self) -> FlowBook:
        """Read the config again.

        Raises ConfigInvalid. The flows then stay as they are, with the findings of the new config.
        """
        try:
            self.book = await self._read()
        except ConfigInvalid as error:
            self.book = replace(self.book, findings=error.findings)
            raise
        return self.book


class FlowFiles:
    """Reads and compiles the flow-file of a run."""

    def __init__(self, documents: Documents, dialect: Dialect, retry_s: float = RETRY_S) -> None:
        self._documents = documents
        self._dialect = dialect
        self._retry_s = retry_s

    async def load(self, run: Run) -> FlowRead | FlowUnreadable:
        """Read a run's flow-file, up to three times. Never raises."""
        base = run.flow
        if base is None:
            return FlowUnreadable(why=f"the config has no flow {run.flow_id}@{run.ver} any more")
        why, is_there, name = "", False, without_password(base.flow_file)
        attempt = 1
        while attempt <= TRIES:
            try:
                return await self._load(run, base)
            except PlaceHangs:
                await asyncio.sleep(self._retry_s)  # no try: the run waits for the file system
                continue
            except ConfigInvalid as error:
                return FlowUnreadable(why=f"flow-file {name}: {error}")
            except FloeError as error:
                is_there = not isinstance(error, NotFound)
                why = f"flow-file {name}: {error}" if is_there else f"no flow-file: {error}"
                log.warning("flow.unreadable", run=str(run.ref), attempt=attempt, why=why)
            if attempt < TRIES:
                await asyncio.sleep(self._retry_s * 2 ** (attempt - 1))
            attempt += 1
        return FlowUnreadable(why=f"{why} (after {TRIES} tries)" if is_there else why)

    async def written(self, run: Run, book: FlowBook, source: str) -> FlowText | None:
        """The flow-file of a run, read again from where it was found; None if it is not the same.

        `book`: with the flow that names the file. A file of a web server is not read again.
        """
        base = book.exact(run.flow_id, run.ver)
        if not base or not run.flow or (source.startswith("http") and not _COMMIT.search(source)):
            return None
        git = _commit(run, base)
        try:
            async with asyncio.timeout(AGAIN_S):
                document = await self._documents.read(source, git=git)
        except (FloeError, TimeoutError):
            return None
        compiled = self._dialect.flow_file(document.text, run.flow.origin, base)
        if [digest_of(flow) for flow in compiled.flows] != [run.digest]:
            return None
        return compiled.written.get((run.flow_id, run.ver))

    async def _load(self, run: Run, base: Flow) -> FlowRead:
        git = _commit(run, base)
        document = await self._documents.read(base.flow_file, relative_to=base.origin, git=git)
        compiled = self._dialect.flow_file(document.text, document.origin, base)
        if compiled.errors or not compiled.flows:
            raise ConfigInvalid(compiled.errors)
        flow = compiled.flows[0]
        return FlowRead(flow=flow, digest=digest_of(flow), source=document.pinned)


def _commit(run: Run, base: Flow) -> Git:
    trigger = next((t for t in base.triggers if t.id == run.trigger), None)
    key_file = trigger.git.key_file if trigger else ""

    def text(name: str) -> str:
        value: Json = run.values.get(name)
        return value if isinstance(value, str) else ""

    return Git(hash=text("hash"), ref=text("ref"), branch=text("branch"), key_file=key_file)


def flow_trigger(flow: Flow, id: str, kind: TriggerType) -> Trigger:
    """The trigger of a flow: the one of a kind with an id, or the first. Raises NotFound.

    A person, who is the kind `data`, may also pull any other trigger by hand: the first one that
    takes data is first.
    """
    fitting = [t for t in flow.triggers if t.type == kind]
    if kind == "data":
        fitting += [t for t in flow.triggers if t.type != kind]
    for trigger in fitting:
        if id in ("", trigger.id):
            return trigger
    word = "" if kind == "data" else f"{kind} "
    names = ", ".join(t.id for t in fitting) or "none"
    what = f"no {word}trigger" + (f" {id!r}" if id else "")
    raise NotFound(f"flow {flow.id} has {what}", f"its {word}triggers: {names}")


async def flow_start_values(
    trigger: Trigger, values: Mapping[str, Json], refs: Refs
) -> Mapping[str, Json]:
    """The checked values of a start by a person. A poll's are those of a present commit.

    Raises ValuesInvalid, TooLarge, Theirs, World.
    """
    values = checked_values(form_of(trigger), values)
    match trigger.type:
        case "poll-git" if "hash" not in values:
            found = await refs.refs(trigger.git, trigger.refs)
            ref = head_of(trigger, str(values.get("branch", "")), found)
            return {**values, **ref_values(trigger.git, ref, found[ref])}
        case "push":
            return as_pushed(values)
        case "pack-event":
            return as_heard(values)
        case _:
            return values


def flow_start(
    book: FlowBook,
    flow: Flow,
    trigger: Trigger,
    values: Mapping[str, Json],
    *,
    by: str,
    once: str,
) -> Start:
    """The start of a run of a flow by one of its triggers.

    Raises ValuesInvalid, TooLarge, Yours for a judged flow.
    """
    if flow.states is not None:
        raise Yours(f"runs of {flow.id} are opened by the API of {flow.dialect}")
    check_values_size(values)
    given = {**trigger_values(trigger.git), **values}
    digest = book.digest_of(flow)
    return Start(flow=flow, digest=digest, trigger=trigger.id, values=given, by=by, once=once)
