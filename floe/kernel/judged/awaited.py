"""The updates that parked nodes and items of a run await, and whether they begin a pass."""

from collections.abc import Iterator

from floe.model.passes import Part, Passes


def keys_met(passes: Passes) -> frozenset[str]:
    """The keys of updates that begin a pass: all that a part awaits came, one of them new.

    An update is new until a pass has begun by it, so each begins at most one, also if it came
    before its node was parked.
    """
    if not passes.fresh:
        return frozenset()
    met = (
        keys
        for keys in passes.waiting.values()
        if any(key in passes.fresh for key in keys) and all(key in passes.updates for key in keys)
    )
    return frozenset(key for keys in met for key in keys)


def missing_keys(passes: Passes) -> Iterator[tuple[Part, tuple[str, ...]]]:
    """The parked parts that await updates, and the keys of those that did not come yet; all keys
    where each came, and began a pass, before."""
    for part, keys in passes.waiting.items():
        lacking = tuple(key for key in keys if key not in passes.updates)
        if lacking or (keys and passes.fresh.isdisjoint(keys)):
            yield part, lacking or keys
