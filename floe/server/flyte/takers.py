"""Who may take an action, for `floe why`: the packs with its name and labels, and their state."""

from floe.dialects.pack_work import labels_in, pack_of
from floe.model.call import OutsideWork
from floe.model.codec import iso
from floe.model.errors import World
from floe.server.flyte.names import label_text, short_name
from floe.server.flyte.pack_book import PackBook


def takers_text(work: OutsideWork, book: PackBook) -> str:
    """Who may take an action, as the end of `waits for`."""
    name, labels = pack_of(work.queue), labels_in(work.labels)
    wanted = f"a pack `{short_name(name)}`"
    if labels:
        wanted += f" with label{'s' if len(labels) > 1 else ''} {label_text(labels)}"
    try:
        packs = book.named(name)
    except World:  # this host has not copied all packs yet
        return wanted
    fitting = [pack for pack in packs if pack.covers(labels)]
    if not fitting:
        lack = "" if not packs else f" with {'it' if len(labels) == 1 else 'all of them'}"
        return f"{wanted}: none is registered{lack}"
    newest = max(fitting, key=book.last_seen)
    seen = f"last seen {iso(book.last_seen(newest))}"
    if book.status(newest) != "live":
        return f"{wanted}: none is live; {seen}"
    how = "is live"
    if not any(pack.has(work.name) for pack in fitting):
        how = f"has no command `{short_name(work.name)}`"
    return f"{wanted}: `{short_name(newest.id)}` {how}; {seen}"
