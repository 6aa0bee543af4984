"""Settings of a pack, and the variables of flyte's own clients."""

import subprocess
import sys
from pathlib import Path

import pytest

from floe.packs import PackSettings

ROOT = Path(__file__).parents[3]


def test_variables_of_the_client_in_go_are_read() -> None:
    found = PackSettings.from_environment(
        {
            "FLYTE_API": "http://h/flyte",
            "FLYTE_JWT": "tok",
            "FLYTE_LABELS": " env = prod ,a=b=c",
            "FLYTE_API_TIMEOUT": "3",
            "FLYTE_HEALTH_BIND": "127.0.0.1:9",
            "FLYTE_POLL_S": "0.5",
        }
    )

    assert found == PackSettings(
        "http://h/flyte",
        token="tok",
        labels={"env": "prod", "a": "b=c"},
        timeout_s=3,
        health_bind="127.0.0.1:9",
        poll_s=0.5,
    )


def test_token_is_not_shown() -> None:
    assert "tok" not in repr(PackSettings("http://h", token="tok"))


@pytest.mark.parametrize(
    ("variables", "text"),
    [
        ({}, "set FLYTE_API"),
        ({"FLYTE_API": "example.com"}, "is no URL"),
        ({"FLYTE_API": "http://h", "FLYTE_LABELS": "env"}, "not name=value"),
        ({"FLYTE_API": "http://h", "FLYTE_API_TIMEOUT": "-1"}, "not whole seconds"),
        ({"FLYTE_API": "http://h", "FLYTE_POLL_S": "soon"}, "FLYTE_POLL_S is 'soon', not seconds"),
        ({"FLYTE_API": "http://h", "FLYTE_POLL_S": "nan"}, "poll_s is at least"),
    ],
)
def test_wrong_variable_is_named(variables: dict[str, str], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        PackSettings.from_environment(variables)


@pytest.mark.parametrize(
    "changes", [{"poll_s": 0}, {"at_once": 0}, {"grace_s": -1}, {"health_bind": "localhost"}]
)
def test_wrong_setting_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"at least|has no port"):
        PackSettings("http://h", **changes)  # type: ignore[arg-type]


def test_library_for_packs_loads_without_any_other_package() -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import floe.packs, floe.packs.testing"

    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)
