"""What polls remember: of each repository the commits of its refs, and how far each poll has come.

The memory belongs to the repository and the ref. Each change of a ref gets the next number of its
repository, and a poll keeps the number of the last change that it has seen to: a push starts one
run of each trigger that wants it, whatever is reloaded meanwhile. No I/O, no clock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from floe.host.seen_refs import (
    ALWAYS,
    RefScope,
    SeenRef,
    SeenRefs,
    SeenRepository,
    compare_seen,
    forget_gone,
    ref_row,
    seen_repository_row,
)
from floe.host.watches import Watch, repository_of, watch_of
from floe.model.codec import decode
from floe.model.flow import Trigger
from floe.model.ids import Instant, Json
from floe.model.nouns import dataclass
from floe.store.base import LedgerWrite

KINDS: Final = ("mark", "ticked", "repository", "ref", "poll")
"""Kinds of ledger rows. mark: the last tick of a timer, and the last commits of a poll as older
floes kept them. ticked: the spans of time that a timer has seen to. repository: what of it was
looked at. ref: `<ref> <repository>` to its commit. poll: `<watch> <repository>` to the last change
that it has seen to."""

UNWATCHED_S: Final = 24 * 3600
"""Seconds after which a repository is forgotten that no trigger watches any more: a flow that is
taken out of the config for a while loses no push, and one that comes a year later finds no
year-old commits."""


class RepositoryPoll(NamedTuple):
    """A trigger that looks at a repository."""

    watch: Watch
    repository: str

    def __str__(self) -> str:
        return f"{self.watch} {self.repository}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryChange:
    """A changed ref of a repository that starts a run, and the rows that go with that run."""

    ref: str
    commit: str
    rows: tuple[LedgerWrite, ...]


class Repositories:
    """All repositories that polls have looked at."""

    def __init__(self, rows: Mapping[str, Mapping[str, Json]]) -> None:
        """`rows` are those of the ledger, by kind and key."""
        self._known: dict[str, SeenRefs] = {}
        self._reached: dict[RepositoryPoll, int] = {}
        """Up to which change each poll has started what it had to."""
        self._old = {k: v for k, v in rows.get("mark", {}).items() if isinstance(v, Mapping)}
        for name, row in rows.get("repository", {}).items():
            self._known[name] = SeenRefs(about=decode(SeenRepository, _shape(row)))
        for key, row in rows.get("ref", {}).items():
            ref, _, name = key.partition(" ")
            if known := self._known.get(name):
                known.refs[ref] = seen = decode(SeenRef, _shape(row))
                known.change = max(known.change, seen.change)
        for key, row in rows.get("poll", {}).items():
            text, _, name = key.partition(" ")
            if isinstance(row, int) and name in self._known and (watch := watch_of(text)):
                self._reached[RepositoryPoll(watch, name)] = row
                self._known[name].change = max(self._known[name].change, row)

    def watch(self, polls: Mapping[Watch, Trigger], now: Instant) -> list[LedgerWrite]:
        """Go on with the polls of a config; return what is to be stored.

        A poll takes over from the same trigger of a different version, or else from a different
        trigger of its flow, if that is gone. One that is new to a known repository waits for the
        next change.
        """
        rows = self._upgraded(polls)
        armed = {RepositoryPoll(watch, repository_of(t.git.url)): t for watch, t in polls.items()}
        rows += self._unwatched({poll.repository for poll in armed}, now)
        gone = [poll for poll in self._reached if poll not in armed]
        for poll in armed:
            known = self._known.get(poll.repository)
            if known and poll not in self._reached:
                reached = [self._reached[p] for p in _before(poll, gone)]
                rows.append(self._reach(poll, min(reached, default=known.change)))
        for poll in gone:
            del self._reached[poll]
            rows.append(LedgerWrite(kind="poll", key=str(poll), value=None))
        return rows

    def look(
        self, watch: Watch, trigger: Trigger, found: Mapping[str, str], *, term: int, alone: bool
    ) -> tuple[list[RepositoryChange], list[LedgerWrite]]:
        """What a look at a repository starts, in this order, and what is stored after it.

        `found` are all branches and tags, and what the trigger's pattern matches beside them. The
        first look only records, and so does the first look of a keeper after a different keeper.
        `alone`: all polls of the repository look with the same credentials; else what this one
        does not see may be there for others.
        """
        poll = RepositoryPoll(watch, repository_of(trigger.git.url))
        scopes = {*ALWAYS, RefScope(trigger.refs)}
        known = self._known.get(poll.repository)
        if known is None or (0 not in (known.about.term, term) and known.about.term != term):
            return [], self._first(poll, scopes, found, term)
        fresh = compare_seen(known, found)
        rows = forget_gone(known, poll.repository, found, scopes, alone=alone)
        reached = self._reached.get(poll, known.change)
        due = sorted(
            (known.refs[ref].change, ref)
            for ref in wanted_refs(trigger, found)
            if known.refs[ref].change > reached
        )
        changes = []
        for number, ref in due:
            own = [ref_row(ref, poll.repository, known.refs[ref])] if ref in fresh else []
            fresh.discard(ref)
            marks = (*own, self._reach(poll, number))
            changes.append(RepositoryChange(ref=ref, commit=found[ref], rows=marks))
        rows += [ref_row(ref, poll.repository, known.refs[ref]) for ref in sorted(fresh)]
        if self._reached.get(poll) != known.change:
            rows.append(self._reach(poll, known.change))
        about = replace(
            known.about, scopes=tuple(sorted(scopes.union(known.about.scopes))), term=term
        )
        if about != known.about:
            known.about = about
            rows.append(seen_repository_row(poll.repository, about))
        return changes, rows

    def _first(
        self, poll: RepositoryPoll, scopes: set[RefScope], found: Mapping[str, str], term: int
    ) -> list[LedgerWrite]:
        rows = self._forget(poll.repository)
        known = SeenRefs(about=SeenRepository(scopes=tuple(sorted(scopes)), term=term))
        known.refs = {ref: SeenRef(commit=commit) for ref, commit in found.items()}
        self._known[poll.repository] = known
        rows += [ref_row(ref, poll.repository, seen) for ref, seen in known.refs.items()]
        others = [other for other in self._reached if other.repository == poll.repository]
        rows += [self._reach(other, 0) for other in {poll: 0} | dict.fromkeys(others)]
        return [*rows, seen_repository_row(poll.repository, known.about)]

    def _reach(self, poll: RepositoryPoll, change: int) -> LedgerWrite:
        self._reached[poll] = change
        return LedgerWrite(kind="poll", key=str(poll), value=change)

    def _unwatched(self, watched: set[str], now: Instant) -> list[LedgerWrite]:
        """Note what no trigger watches any more, and forget what none has watched for long."""
        rows = []
        for name, known in tuple(self._known.items()):
            since = known.about.unwatched_at
            if since is not None and now - since >= UNWATCHED_S * 1000:
                rows += self._forget(name)
            elif (name in watched) != (since is None):
                known.about = replace(known.about, unwatched_at=None if name in watched else now)
                rows.append(seen_repository_row(name, known.about))
        return rows

    def _forget(self, name: str) -> list[LedgerWrite]:
        known = self._known.pop(name, None)
        if known is None:
            return []
        rows = [LedgerWrite(kind="ref", key=f"{ref} {name}", value=None) for ref in known.refs]
        return [LedgerWrite(kind="repository", key=name, value=None), *rows]

    def _upgraded(self, polls: Mapping[Watch, Trigger]) -> list[LedgerWrite]:
        """Take over what older floes remembered: wanted refs only, for each trigger by itself.

        Where two of its polls differ, the one that is behind gets its run. What belongs to a flow
        that is not in the config stays as it is.
        """
        flows = {watch.flow for watch in polls}
        old = [
            (key, watch, url, refs)
            for key, refs in self._old.items()
            for watch, url in _old_key(key)
            if watch.flow in flows
        ]
        rows = []
        for key, *_ in old:
            del self._old[key]
            rows.append(LedgerWrite(kind="mark", key=key, value=None))
        upgraded: dict[str, SeenRefs] = {}
        for watch, trigger in polls.items():
            name = repository_of(trigger.git.url)
            same = [
                (w, r)
                for _, w, url, r in old
                if repository_of(url) == name and w.flow == watch.flow
            ]
            if name in self._known or not same:
                continue
            known = upgraded.setdefault(name, SeenRefs(about=SeenRepository()))
            mark, refs = max(same, key=lambda m: (m[0] == watch, m[0].ver))
            if mark == watch:
                scope = RefScope(trigger.refs, trigger.exclude_refs)
                known.about = replace(known.about, scopes=(*known.about.scopes, scope))
            for ref, commit in refs.items():
                before = known.refs.get(ref)
                if before is None or before.commit != commit:
                    known.change = max(known.change, 1 if before else 0)
                    known.refs[ref] = SeenRef(commit=str(commit), change=1 if before else 0)
            rows.append(self._reach(RepositoryPoll(watch, name), known.change))
        self._known |= upgraded
        for name, known in upgraded.items():
            rows += [ref_row(ref, name, seen) for ref, seen in known.refs.items()]
            rows.append(seen_repository_row(name, known.about))
        return rows


def wanted_refs(trigger: Trigger, found: Iterable[str]) -> list[str]:
    """The refs of a repository that start runs: those of the pattern, without `exclude-refs`."""
    scope = RefScope(trigger.refs, trigger.exclude_refs)
    return sorted(filter(scope.covers, found))


def _before(poll: RepositoryPoll, gone: Sequence[RepositoryPoll]) -> list[RepositoryPoll]:
    """The polls that a new one takes over from."""
    same = [p for p in gone if (p.repository, p.watch.flow) == (poll.repository, poll.watch.flow)]
    return [p for p in same if p.watch.trigger == poll.watch.trigger] or same


def _shape(row: Json) -> Mapping[str, Json]:
    assert isinstance(row, Mapping), "a row of ours"
    return row


def _old_key(key: str) -> list[tuple[Watch, str]]:
    text, _, url = key.partition(":")
    watch = watch_of(text)
    return [(watch, url)] if watch else []
