"""A process of a pack in Python with a journal, for a storm that kills it.

Each start of a handler is a line of the file NAME.begun: the command, and its input.

    python -m tests.acceptance.storm_pack NAME FOLDER SEED ROOT
"""

import asyncio
import sys
from pathlib import Path
from random import Random
from typing import Final

from floe.packs import Pack, PackSettings
from tests.acceptance.product import TOKEN

RESULTS: Final = {"Do": "Done", "Then": "Finished"}


def a_pack(begun: Path, random: Random) -> Pack:
    """The pack; its commands may be repeated."""
    pack = Pack("P")

    def added(command: str) -> None:
        @pack.command(command, RESULTS[command], if_interrupted="repeat")
        async def work(text: str) -> str:
            with begun.open("a") as file:
                file.write(f"{command} {text}\n")
            await asyncio.sleep(random.choice((0, 0, 0.02)))
            return text

    for command in RESULTS:
        added(command)
    return pack


if __name__ == "__main__":
    name, folder, seed, root = sys.argv[1:]
    settings = PackSettings(
        root,
        token=TOKEN,
        poll_s=0.1,
        pause_max_s=0.2,
        timeout_s=5,
        health_bind="",
        journal=Path(folder, f"{name}.pack-journal"),
    )
    a_pack(Path(folder, f"{name}.begun"), Random(int(seed))).run(settings)
