"""The dashboard's files have names; paths of requests do not become paths of the disk."""

import base64
import gzip
from hashlib import sha256
from pathlib import Path

import pytest

from floe.model.errors import NotFound
from floe.server.webapp import Webapp

PAGE = """<meta name="floe-base" content="/build/api">
<script type="importmap">{"imports": {}}</script>
<script type="module" src="/app/app.js"></script>"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "webapp"
    (folder / "pages").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "pages/run.js").write_text("export {};\n" * 200)
    (folder / "__init__.py").write_text("secret")
    (folder / ".env").write_text("secret")
    (tmp_path / "outside.js").write_text("secret")
    return folder


def test_the_page_learns_where_the_api_is(folder: Path) -> None:
    page = Webapp('/ci"/api', folder).page()

    assert b'content="/ci&quot;/api"' in page.body


def test_the_policy_allows_the_import_map_and_no_other_inline_script(folder: Path) -> None:
    hashed = base64.b64encode(sha256(b'{"imports": {}}').digest()).decode()

    policy = Webapp("/build/api", folder).policy()

    assert f"script-src 'self' 'sha256-{hashed}';" in policy
    assert "unsafe" not in policy


def test_text_is_also_there_compressed(folder: Path) -> None:
    asset = Webapp("/build/api", folder).asset("pages/run.js")

    assert asset.content_type == "text/javascript"
    assert asset.gzipped is not None
    assert gzip.decompress(asset.gzipped) == asset.body


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../outside.js",
        "pages/../../outside.js",
        "pages",
        "pages/",
        "/etc/passwd",
        "__init__.py",
        ".env",
        "pages/./run.js",
        "pages//run.js",
        "pages\\run.js",
        "run.js\0",
    ],
)
def test_nothing_else_is_there(folder: Path, name: str) -> None:
    with pytest.raises(NotFound):
        Webapp("/build/api", folder).asset(name)


def test_a_link_out_of_the_folder_is_not_followed(folder: Path) -> None:
    (folder / "link.js").symlink_to(folder.parent / "outside.js")

    with pytest.raises(NotFound):
        Webapp("/build/api", folder).asset("link.js")


def test_in_development_a_changed_file_is_served_changed(folder: Path) -> None:
    webapp = Webapp("/build/api", folder)
    before = webapp.asset("pages/run.js")

    (folder / "pages/run.js").write_text("export const a = 1;\n")

    assert webapp.asset("pages/run.js").etag != before.etag


def test_the_packaged_dashboard_is_there() -> None:
    webapp = Webapp("/build/api")

    assert b"floe-base" in webapp.page().body
    assert webapp.asset("app.js").content_type == "text/javascript"
    assert b"ten minutes" in webapp.asset("docs/tutorial.md").body
