"""The flag that writes what the kernel does now into the scenarios."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest tests/scenarios --rewrite`, and then read the difference."""
    parser.addoption("--rewrite", action="store_true", help="write what happens into scenarios")
