"""The updates that parked nodes and items of a run await, and whether they begin a pass.

An update is new until a pass has begun by it, so each begins at most one, also if it came before
its node was parked. What an update changes costs the same however many parts await others.
"""

from collections.abc import Iterator

from floe.kernel.shared import with_item, with_member, without_item, without_member
from floe.model.judging import UpdateReceived
from floe.model.nouns import replace
from floe.model.passes import Part, Passes


def keys_met(passes: Passes) -> frozenset[str]:
    """The keys of updates that begin a pass: all that a part awaits came, one of them new."""
    return frozenset(key for part in passes.met for key in passes.waiting[part])


def missing_keys(passes: Passes) -> Iterator[tuple[Part, tuple[str, ...]]]:
    """The parked parts that await updates, and the keys of those that did not come yet; all keys
    where each came, and began a pass, before."""
    for part, keys in passes.waiting.items():
        lacking = tuple(key for key in keys if key not in passes.updates)
        if lacking or passes.fresh.isdisjoint(keys):
            yield part, lacking or keys


def with_update(passes: Passes, event: UpdateReceived) -> Passes:
    """The passes after an update."""
    key = event.key
    updates, fresh = with_item(passes.updates, key, event), with_member(passes.fresh, key)
    passes = replace(passes, updates=updates, fresh=fresh)
    for part in passes.awaited.get(key, ()):
        passes = _with_met(passes, part)
    return passes


def with_waiting(passes: Passes, part: Part, keys: tuple[str, ...]) -> Passes:
    """The passes with a part that awaits these updates from here on; none if it runs again."""
    old = passes.waiting.get(part, ())
    if old == keys:
        return passes
    awaited = passes.awaited
    for key in dict.fromkeys(old):
        left = without_member(awaited[key], part)
        awaited = with_item(awaited, key, left) if left else without_item(awaited, key)
    for key in dict.fromkeys(keys):
        awaited = with_item(awaited, key, with_member(awaited.get(key, frozenset()), part))
    waiting = passes.waiting
    waiting = with_item(waiting, part, keys) if keys else without_item(waiting, part)
    return _with_met(replace(passes, waiting=waiting, awaited=awaited), part)


def begun(passes: Passes) -> Passes:
    """The passes when one begins: what is met began it."""
    fresh = passes.fresh
    for key in keys_met(passes):
        fresh = without_member(fresh, key)
    return replace(passes, fresh=fresh, met=frozenset())


def _with_met(passes: Passes, part: Part) -> Passes:
    keys = passes.waiting.get(part, ())
    is_met = all(key in passes.updates for key in keys) and not passes.fresh.isdisjoint(keys)
    if is_met == (part in passes.met):
        return passes
    return replace(passes, met=(with_member if is_met else without_member)(passes.met, part))
