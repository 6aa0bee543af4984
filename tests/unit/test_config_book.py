"""The flows of a host: those of its config, and uTask's templates beside them."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from floe.config.book import BookReader
from floe.config.flags import Flags
from floe.config.host import load
from floe.model.errors import ConfigInvalid, PlaceHangs
from floe.model.finding import Finding
from floe.model.ids import Instant
from floe.nodes.documents import DocumentFiles
from floe.places import Places

CONFIG = """
common: {utask: {templates: [templates]}}
flows:
  - id: own
    triggers: [{id: start, type: data}]
    tasks: [{id: a, type: exec, listen: trigger.good, opts: {cmd: x}}]
"""
TEMPLATE = "{name: one, description: a template, title_format: a task, steps: {}}"


class Host:
    """A config with a folder of templates, and a reader of both."""

    def __init__(self, root: Path) -> None:
        self.root, self.config = root, root / "floe.yml"
        (root / "templates").mkdir()
        self.write(TEMPLATE)
        self.config.write_text(CONFIG)
        self.places = Places()
        self.reported: list[Finding] = []
        documents = DocumentFiles(root)
        config = load(Flags(), {}, CONFIG, str(self.config))
        self.reader = BookReader(config, documents, self.places, lambda: Instant(1), self._report)

    def _report(self, findings: Sequence[Finding]) -> None:
        self.reported = [*findings]

    def write(self, text: str) -> None:
        (self.root / "templates/one.yaml").write_text(text)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


async def test_templates_are_flows_beside_those_of_the_config(host: Host) -> None:
    book = await host.reader.first()

    assert [flow.id for flow in book.flows] == ["own", "utask-one"]
    assert book.find("utask-one").dialect == "utask"
    assert book.findings == ()


async def test_a_bad_template_refuses_no_reload(host: Host) -> None:
    await host.reader.first()
    host.write("name: [")
    host.config.write_text(CONFIG.replace("id: own", "id: new"))

    book = await host.reader.again()

    assert [flow.id for flow in book.flows] == ["new", "utask-one"]
    assert [finding.file for finding in host.reported] == [str(host.root / "templates/one.yaml")]


async def test_a_bad_config_refuses_the_reload_of_templates_too(host: Host) -> None:
    await host.reader.first()
    host.config.write_text("flows: [")

    with pytest.raises(ConfigInvalid):
        await host.reader.again()


async def test_templates_stay_while_their_disk_hangs(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    await host.reader.first()

    async def hang(*_: object) -> None:
        raise PlaceHangs("waits for the file system at /srv")

    monkeypatch.setattr(host.places, "read", hang)
    book = await host.reader.again()

    assert [flow.id for flow in book.flows] == ["own", "utask-one"]
    assert book.findings[0].what == "this host waits for the file system at /srv"


async def test_hosts_with_different_templates_have_flows_that_differ(
    host: Host, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Host(tmp_path_factory.mktemp("other"))
    before = (await host.reader.first()).bodies, (await other.reader.first()).bodies
    other.write(TEMPLATE.replace("a task", "another task"))
    after = (await other.reader.again()).bodies

    assert before[0] == before[1]
    assert {name for name, body in after.items() if body != before[0][name]} == {"utask-one@1"}
