"""Inputs of tasks over HTTP, as uTask's own server took or refused them."""

import re
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import pytest_asyncio

from tests.make_server import Site
from tests.make_utask import ask, utask_site
from tests.recorded import cases, document

RECORDED: Final = "utask/vectors/inputs.json"

LETTERS: Final = re.compile(r"<x\*([0-9]+)>")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """One host for all cases."""
    template = document(RECORDED)["template"]
    async with utask_site(tmp_path_factory.mktemp("utask"), template) as made:
        yield made


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("case", cases(RECORDED))
async def test_input_is_taken_as_utask_takes_it(site: Site, case: Any) -> None:
    given = {"template_name": "inputs", "input": written(case["input"])}

    status, _, made = await ask(site, "POST", "/task", given)

    assert status == case["status"], made
    if "error" in case:
        assert made["error"]
        return
    _, _, shown = await ask(site, "GET", f"/task/{made['id']}")
    assert shown["input"] == written(case["stored"])
    assert shown["title"].startswith(case["title"].removesuffix("…"))


def written(value: Any) -> Any:
    """A value in which `<x*N>` is N letters."""
    if isinstance(value, dict):
        return {key: written(one) for key, one in value.items()}
    if isinstance(value, str):
        return LETTERS.sub(lambda found: "x" * int(found[1]), value)
    return value
