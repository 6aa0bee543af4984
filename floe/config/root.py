"""The root of a host: the folder of its data."""

from pathlib import Path

from floe.files import private
from floe.model.errors import StoreFailed


def make_root(root: Path) -> None:
    """Create the root of a host with its folders. Raises StoreFailed."""
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("runs", "documents"):
            private(root / name)
    except OSError as error:
        hint = "choose a different one with -root"
        raise StoreFailed(f"{root} cannot be created: {error.strerror}", hint) from None
