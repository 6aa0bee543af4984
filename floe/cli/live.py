"""A live run in the terminal: nodes, their output, and forms to fill in."""

import asyncio
import json
import sys
import time
from codecs import IncrementalDecoder, getincrementaldecoder
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import click

from floe.cli.formats import (
    clean,
    node_state,
    node_took,
    printable,
    ran,
    reason,
    span,
    took,
    value_lines,
)
from floe.cli.forms import ask, typed
from floe.expr.masking import Masks
from floe.feed.frames import Frame
from floe.feed.subscription import Subscription
from floe.files import opened
from floe.hub.hub import Hub
from floe.masked_files import AtEnd, masked_piece
from floe.model.errors import Conflict, FloeError, Yours
from floe.model.flow import Flow
from floe.model.ids import NO_ITEM, Key, NodeId, RunRef, Shape
from floe.model.run import Run
from floe.model.secret import without_secrets
from floe.model.summary import summary_of
from floe.model.title import one_line
from floe.model.work import Ask, End, Join

BY: Final = "you"
"""The author of the form answers and the cancel."""

LOOK_S: Final = 0.05
"""Seconds between two reads of the output of running nodes."""

FINISHED: Final = ("NodeSettled", "NodeSkipped", "ItemSettled", "RetryArmed", "RepeatArmed")
"""Events after which a node or an item runs no longer, at least for now."""

SILENCE_S: Final = 10.0
"""Seconds without a line about a node after which it is reported as still running; then doubled."""

CHUNK: Final = 256 * 1024
"""Bytes of one node's output that are printed before other nodes get their turn."""

LABEL_MAX: Final = 60
"""Characters of the label of an item."""

LINE_MAX: Final = 64 * 1024
"""Characters after which a line is broken."""


class Live:
    """Prints one run of a hub in this process, with its child runs."""

    def __init__(self, hub: Hub, run: str, flow: Flow, *, quiet: bool, silent: bool) -> None:
        """`quiet`: no output of nodes; `silent`: nothing but what a person must answer."""
        self._hub = hub
        self._run = run
        self._ref = hub.reads.ref(run)
        self._quiet = quiet or silent
        self._silent = silent
        self._width = max((len(node.ref) for node in flow.nodes), default=0)
        self._tasks = {n.id for n in flow.nodes if not isinstance(n.work, End | Join)}
        self._nodes: dict[tuple[RunRef, NodeId], dict[str, Any]] = {}
        """The state of each node, collected from the feed."""
        self._tails: dict[tuple[RunRef, NodeId, int], _Tail] = {}
        self._silence: dict[NodeId, _Silence] = {}
        self._question: tuple[NodeId, asyncio.Task[None]] | None = None
        self._asked: set[tuple[NodeId, int]] = set()
        """Nodes with their visit."""
        self._is_over = False

    async def follow(self, feed: Subscription) -> Run:
        """Print until the run is over, and return it. Raises Yours for a form that cannot be filled
        in."""
        failed: Exception | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._until_over(feed, tasks)
        except* (Yours, OSError) as group:
            failed = group.exceptions[0]
        if failed:
            raise failed
        run = await self._hub.reads.run(self._run)
        await self._print_end(run)
        return run

    async def _until_over(self, feed: Subscription, tasks: asyncio.TaskGroup) -> None:
        unprinted: list[Frame] = []
        while not self._is_over:
            self._attend(await self._hub.reads.run(self._run), tasks)
            has_more = False
            if not self._question:  # nothing is printed while a person types
                for frame in unprinted:
                    await self._print(frame)
                unprinted.clear()
                for tail in self._tails.values():
                    has_more |= tail.print_new()
                self._break_silence(await self._hub.reads.run(self._run))
            with suppress(TimeoutError):
                async with asyncio.timeout(0 if has_more or self._is_over else LOOK_S):
                    unprinted += await feed.take()

    async def _print(self, frame: Frame) -> None:
        shape: dict[str, Any] = json.loads(frame.text)
        ref, change = frame.run, shape.get("node")
        if ref == self._ref:
            self._is_over |= shape.get("summary", {}).get("state") == "archive"
        if not change or self._silent or ref is None:
            return
        node = self._nodes[ref, change["id"]] = self._nodes.get((ref, change["id"]), {}) | change
        if ref != self._ref and not node["ref"].startswith(str(ref)):
            node["ref"] = f"{ref} {node['ref']}"
        item, begun = _attempted(node, change)
        at = ref, node["id"], item
        if shape["event"] == "NodeStarted":
            visit, attempt = node.get("visit", 1), begun.get("attempt", 1)
            again = "" if item == NO_ITEM else f"  {one_line(node['items'][item], LABEL_MAX)}"
            again += f"  visit {visit}" if visit > 1 else ""
            again += f"  #{attempt}" if attempt > 1 else ""
            click.echo(f"{click.style('▶', fg='cyan')} {begun['ref']}{clean(again)}")
            if not self._quiet:
                key = Key(ref, shape["epoch"], node["id"], visit, attempt, item)
                path = self._hub.reads.output_path(key)
                name = begun["ref"].ljust(self._width)
                self._tails[at] = _Tail(name, path, self._hub.reads.masks)
        elif shape["event"] in FINISHED:
            if tail := self._tails.pop(at, None):
                await tail.print_rest()
            if ref == self._ref:
                self._silence.pop(node["id"], None)
            if node["id"] in self._tasks if ref == self._ref else node.get("started_at"):
                _print_node(begun, shape["at"])

    async def _print_end(self, run: Run) -> None:
        if self._silent:
            return
        seconds = ((run.ended_at or 0) - run.pended_at) / 1000
        mark = _MARKS["good" if run.good else "bad"]
        why = (await self._hub.reads.why(self._run)).text
        if run.good:  # that nothing failed, and so no handler ran, is no news
            why = why.partition("; never ran: ")[0]
        row = summary_of(run)
        never = len(run.flow.nodes) - row.ran - row.skipped if run.flow else 0
        how = ", ".join(filter(None, (span(seconds), ran(row.ran, row.skipped, never))))
        click.echo(f"{mark} {run.flow_id} {clean(why)} ({how})")
        for line in value_lines(without_secrets(run.outputs), "output "):
            click.echo(line)

    def _break_silence(self, run: Run) -> None:
        """Report each open node that has been silent for a while as still running."""
        if self._silent:
            return
        now = time.monotonic()
        for id in (id for id in run.nodes if id in run.open):
            node = run.nodes[id]
            tails = (tail for at, tail in self._tails.items() if at[:2] == (self._ref, id))
            printed_at = max((tail.printed_at for tail in tails), default=0.0)
            silence = self._silence.setdefault(id, _Silence(now))
            if node.phase not in ("entered", "started") or not silence.is_long(printed_at, now):
                continue
            since = node.started_at or node.queued_at or run.pended_at
            seconds = (self._hub.reads.now() - since) / 1000
            phase = "running" if node.phase == "started" else "waiting"
            ref = run.flow.by_id[id].ref if run.flow else id
            click.secho(f"· {ref}  {phase} for {span(seconds)}", fg="bright_black")

    def _attend(self, run: Run, tasks: asyncio.TaskGroup) -> None:
        """Ask for the values of each open form in turn; drop a form that has closed."""
        asking = {
            id: (node.visit, node.work.form)
            for id, node in run.nodes.items()
            if node.phase == "asking" and isinstance(node.work, Ask) and run.phase == "active"
        }
        if self._question:
            id, task = self._question
            if task.done():
                self._question = None
            elif id not in asking and run.nodes[id].by != BY:
                task.cancel()
                self._question = None
                click.echo("\nthe form is closed")
        for id, (visit, form) in asking.items():
            if self._question or (id, visit) in self._asked:
                continue
            if not sys.stdin.isatty():
                raise _nobody(id, form.title, "there is no terminal to ask on")
            self._asked.add((id, visit))
            self._question = id, tasks.create_task(self._give(id, visit))

    async def _give(self, id: NodeId, visit: int) -> None:
        run = await self._hub.reads.run(self._run)
        work = run.nodes[id].work
        assert isinstance(work, Ask), "only forms are asked"
        while True:
            try:
                answer = await ask(work.form, typed)
                await self._hub.give(
                    self._run,
                    id,
                    answer.values,
                    good=answer.good,
                    visit=visit,
                    by=BY,
                    why=answer.why,
                )
                return
            except EOFError:
                raise _nobody(id, work.form.title, "there is no answer") from None
            except Conflict as error:
                click.echo(clean(error.what))
                return
            except FloeError as error:
                click.echo(f"{clean(error.what)}; try again")


def _attempted(node: Shape, change: Shape) -> tuple[int, Shape]:
    """The item that a frame is about, with what is known of it; the node, if it runs once."""
    for one in change.get("item_states", ()):
        item = one["item"]
        return item, {**one, "ref": f"{node['ref']}[{item}]"}
    return NO_ITEM, node


class _Silence:
    def __init__(self, now: float) -> None:
        self._since = now
        self._long_s = SILENCE_S

    def is_long(self, printed_at: float, now: float) -> bool:
        """Whether to report again; the next silence may last twice as long."""
        self._since = max(self._since, printed_at)
        if now - self._since < self._long_s:
            return False
        self._since, self._long_s = now, 2 * self._long_s
        return True


class _Tail:
    """The output of a node, line by line behind its name; buffers one line and a chunk."""

    def __init__(self, name: str, path: Path, masks: Callable[[], Masks]) -> None:
        self._prefix = click.style(f"{name} │ ", fg="bright_black")
        self._path = path
        self._masks = masks
        self._offset = 0
        self._decoder: IncrementalDecoder = getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self.printed_at = 0.0
        """The time of the last printed line."""

    def print_new(self, at_end: AtEnd = "left-out") -> bool:
        """Print a chunk of new output; return whether there may be more."""
        try:
            with opened(self._path) as file:
                chunk = masked_piece(file, CHUNK, self._offset, self._masks(), at_end)
        except OSError:  # no output yet; or a command replaced the file, which its end will report
            return False
        if chunk:
            self._offset += len(chunk)
            self.printed_at = time.monotonic()
            self._print(self._decoder.decode(chunk))
        return len(chunk) == CHUNK

    async def print_rest(self) -> None:
        """Print the rest, and end the last line."""
        has_more = True
        while has_more:
            has_more = self.print_new("as-is")
            await asyncio.sleep(0)  # ^C and other nodes get their turn even during a long output
        self._print(self._decoder.decode(b"", final=True))
        if self._rest:
            self._print("\n")

    def _print(self, text: str) -> None:
        done, newline, self._rest = (self._rest + text).rpartition("\n")
        while len(self._rest) > LINE_MAX:
            done += newline + self._rest[:LINE_MAX]
            self._rest, newline = self._rest[LINE_MAX:], "\n"
        if newline:
            lines = printable(done).split("\n")
            if "\r" in done or "\x1b" in done:
                lines = [_shown(line) for line in lines]
            click.echo(self._prefix + f"\n{self._prefix}".join(lines))


def _shown(line: str) -> str:
    """The final look of a line: of a progress bar the last state."""
    shown = line.rstrip("\r").rpartition("\r")[2]
    return f"{shown}\x1b[0m" if "\x1b" in shown else shown


_MARKS: Final = {
    "good": click.style("✔", fg="green"),
    "bad": click.style("✘", fg="red"),
    "error": click.style("✘", fg="red"),
    "retrying": click.style("↻", fg="yellow"),
}


def _print_node(node: dict[str, Any], at: str) -> None:
    due = node.get("due") if node["state"] == "retrying" else None
    parts = (
        f"{_MARKS.get(node['state'], '·')} {node['ref']}",
        node_state(node),
        node_took(node) if node.get("ended_at") else "",
        reason(node),
        f"again in {took(at, due)}" if due else "",
    )
    click.echo("  ".join(filter(None, parts)))


def _nobody(id: NodeId, title: str, why: str) -> Yours:
    hint = "run it in a terminal, or on a host and answer with `floe give`"
    return Yours(f"task.{id} asks {title!r}, and {why}", hint)
