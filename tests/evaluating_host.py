"""A process with a pool whose evaluator loops for ever; it prints the evaluator's process."""

import asyncio

from tests.make_evaluators import StoredFacts, a_judgement, a_log, a_pool, judged


async def main() -> None:
    """Ask, and wait until this process is killed."""
    async with a_pool() as pool:
        facts = StoredFacts(a_log(2))
        [found] = await judged(pool, a_judgement("a"), facts)
        pool.begin(a_judgement("forever", seq=2), facts, lambda verdicts: None)
        await asyncio.sleep(0.2)
        print(found.outputs["pid"], flush=True)  # noqa: T201 - for the test
        await asyncio.sleep(3600)


if __name__ == "__main__":
    asyncio.run(main())
