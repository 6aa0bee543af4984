"""Each rule of the kernel as a story: signals in, events out."""

from pathlib import Path

import pytest

from tests.scenarios.judged_notation import JudgedStory
from tests.scenarios.notation import rewritten

SCENARIOS = sorted(Path(__file__).parent.glob("*.txt"))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_kernel_does_what_the_scenario_describes(
    path: Path, request: pytest.FixtureRequest
) -> None:
    said = path.read_text()

    done = rewritten(said, JudgedStory() if path.stem.startswith("judged-") else None)

    if request.config.getoption("--rewrite", default=False):
        path.write_text(done)
    else:
        assert done == said
