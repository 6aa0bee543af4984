"""uTask's templates on a host: what each reading gives, and what stays where a file is bad now."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from floe.config.utask import UtaskSettings
from floe.config.utask_installation import STAYS, UtaskInstallation
from floe.model.finding import Finding
from floe.model.flow import Flow
from floe.model.shared_row import SharedRow

TEMPLATE = """name: {name}
description: a template
title_format: {title}
steps: {{say: {{action: {{type: say, configuration: {{}}}}}}}}
"""
FUNCTION = "{name: say, action: {type: echo, configuration: {output: %s}}}"


class Installed:
    """An installation in a folder, and its templates as files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("templates", "functions", "items", "init"):
            (root / name).mkdir()
        self.function("one")
        self.write("one")
        self.write("two")
        self.installation = UtaskInstallation(
            UtaskSettings(
                templates=(root / "templates",),
                functions=root / "functions",
                items=root / "items",
                init=root / "init",
                region="eu",
            )
        )

    def function(self, output: str) -> None:
        (self.root / "functions/say.yaml").write_text(FUNCTION % output)

    def write(self, name: str, title: str = "a task") -> None:
        path = self.root / f"templates/{name}.yaml"
        path.write_text(TEMPLATE.format(name=name, title=title))

    def flows(self) -> dict[str, Flow]:
        return {flow.name: flow for flow in self.installation.read().flows}


class NoRows:
    """Shared rows of a cluster that has none."""

    number = 0

    def of_kind(self, kind: str) -> Sequence[SharedRow]:
        return ()


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    return Installed(tmp_path)


def test_each_template_is_a_flow_as_its_file_has_it(installed: Installed) -> None:
    reading = installed.installation.read()

    assert [flow.name for flow in reading.flows] == ["one", "two"]
    assert reading.functions.keys() == {"say"}
    written = [reading.written[flow.id, flow.ver] for flow in reading.flows]
    assert written[0].file == str(installed.root / "templates/one.yaml")
    assert written[0].text.startswith("name: one")


def test_a_template_with_mistakes_stays_as_it_was(installed: Installed) -> None:
    before = installed.flows()
    installed.write("one", "'")
    installed.write("two", "another task")
    reading = installed.installation.read()

    after = {flow.name: flow for flow in reading.flows}
    assert (after["one"], after["two"] == before["two"]) == (before["one"], False)
    (finding,) = reading.findings
    assert STAYS in finding.hint


def test_a_template_that_was_never_good_is_left_out(installed: Installed) -> None:
    installed.write("one", "'")

    assert [*installed.flows()] == ["two"]


def test_a_template_that_is_gone_is_gone(installed: Installed) -> None:
    installed.flows()
    (installed.root / "templates/one.yaml").unlink()

    assert [*installed.flows()] == ["two"]


def test_a_name_that_changes_leaves_no_flow_of_the_former_name(installed: Installed) -> None:
    installed.flows()
    (installed.root / "templates/one.yaml").write_text(TEMPLATE.format(name="six", title="tasks"))

    assert [*installed.flows()] == ["six", "two"]


def test_all_templates_stay_while_their_folder_is_away(installed: Installed) -> None:
    before = installed.flows()
    shutil.move(installed.root / "templates", installed.root / "away")

    assert installed.flows() == before


def test_templates_stay_while_a_function_of_theirs_is_bad(installed: Installed) -> None:
    before = installed.flows()
    installed.function("[")

    assert installed.flows() == before


def test_a_function_is_a_part_of_the_flow(installed: Installed) -> None:
    before = installed.flows()
    installed.function("two")

    assert installed.flows()["one"] != before["one"]


def test_judgements_read_the_items_as_init_files_left_them(installed: Installed) -> None:
    (installed.root / "items/zone").write_text("eu")
    (installed.root / "init/a.py").write_text("def init(items):\n    items['more'] = 1\n")
    (installed.root / "init/b.py").write_text("raise ValueError\n")
    reading = installed.installation.read()

    around = installed.installation.current.around(reading.flows[0], "", NoRows())
    assert around is not None
    read = json.loads(around.body)
    assert (read["config"], read["region"]) == ({"zone": "eu", "more": 1}, "eu")
    assert [finding.file for finding in reading.findings] == [str(installed.root / "init/b.py")]


def test_a_reading_that_fails_is_the_last_one_with_the_reason(installed: Installed) -> None:
    reading = installed.installation.read()
    finding = Finding(file="x", line=0, col=0, what="hangs")

    assert installed.installation.last(finding).flows == reading.flows
    assert installed.installation.last(finding).findings == (finding,)
