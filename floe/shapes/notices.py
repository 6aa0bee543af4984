"""The notices of a run as JSON."""

from floe.model.codec import iso
from floe.model.ids import Shape
from floe.model.notice import OwedNotice, OwedNotices


def notices_shape(notices: OwedNotices | None) -> Shape:
    """The notices of a run that has ended, each with its progress."""
    return {"notices": [_notice(one) for one in notices.notices] if notices else []}


def _notice(owed: OwedNotice) -> Shape:
    return {
        "to": owed.notice.place,
        "when": list(owed.notice.when),
        "state": owed.state,
        "tries": owed.tries,
        "at": iso(owed.at),
        "due": iso(owed.due),
        "why": owed.why,
    }
