"""`floe host` with the toy dialect: `python -m tests.toy.host`, its flows in `$TOY_FLOWS`."""

from floe.cli import main
from floe.dialects.registry import JUDGED
from floe.server import app
from floe.server.routes import ROUTES as FLOES
from tests.toy.dialect import TOY
from tests.toy.routes import ROUTES


def toy_host() -> None:
    """Be `floe host` that knows the toy."""
    JUDGED["toy"] = TOY
    vars(app)["ROUTES"] = (*FLOES, *ROUTES)  # the application reads its table when it is made
    main(["host"])


if __name__ == "__main__":
    toy_host()
