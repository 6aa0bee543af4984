"""`floe host` with the toy dialect: `python -m tests.toy.host`, its flows in `$FLOE_TOY_FLOWS`."""

from floe.cli import main
from floe.dialects.registry import JUDGED
from tests.toy.dialect import TOY


def toy_host() -> None:
    """Be `floe host` that knows the toy."""
    JUDGED["toy"] = TOY
    main(["host"])


if __name__ == "__main__":
    toy_host()
