"""`floe flyte import` from a stand-in for the original server, into a folder."""

import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from floe.cli import flyte_api, main
from tests.make_flyte_server import OriginalServer, original_server

TLS: Final = Path(__file__).parents[1] / "data/tls"


def a_step(**more: Any) -> dict[str, Any]:
    event = {"name": "Tick", "packName": "Ticker"}
    command = {"name": "Send", "packName": "Slack", "input": {"n": 5, "yes": "no", "list": [1.5]}}
    return {"event": event, "command": command} | more


@pytest.fixture
def server() -> Iterator[OriginalServer]:
    with original_server() as made:
        made.add_pack(
            "Slack",
            labels={"env": "prod", "a": ""},
            commands=[{"name": "Send", "events": ["Sent"]}, {"name": "Ask", "events": None}],
            events=[{"name": "Sent", "links": [{"href": "http://h/sent", "rel": "help"}]}],
            links=[{"href": "http://h", "rel": "help"}],
        )
        made.add_pack("Ticker", events=[{"name": "Tick"}])
        made.items["env"] = ("application/json", "where it runs", b'{"a": 1}')
        made.items["a b"] = ("application/x-sh", "", b"\x00\xff\r\n--b")
        made.add_flow("first", a_step(id="a", criteria="{{ Event.Payload.ok }}"))
        made.add_flow("a/b", a_step(context={"a": "1e3", "b": "two\nlines \n", "c": "1:30"}))
        made.add_flow("with blanks", description="no steps yet")
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "flyte"


class Ended:
    """How a command ended: its exit code and what it printed."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err
        self.report = json.loads(out) if out.startswith("{") else {}

    def states(self, kind: str) -> dict[str, str]:
        return {one["name"]: one["state"] for one in self.report[kind]}

    def why(self, kind: str, name: str) -> str:
        return str(next(one["why"] for one in self.report[kind] if one["name"] == name))


@pytest.fixture
def floe_import(
    server: OriginalServer, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> Any:
    monkeypatch.setattr(flyte_api, "WAITS_S", (0, 0))
    monkeypatch.delenv("FLYTE_JWT", raising=False)

    def run(*options: str, url: str = "", into: Path = folder) -> Ended:
        with pytest.raises(SystemExit) as ended:
            main(["flyte", "import", url or server.url, "--into", str(into), "--json", *options])
        code = ended.value.code
        assert isinstance(code, int)
        return Ended(code, *capsys.readouterr())

    return run


def test_everything_arrives_and_a_second_import_finds_the_same(floe_import: Any) -> None:
    first, second = floe_import(), floe_import()

    assert (first.code, second.code) == (0, 0)
    assert first.states("flows") == dict.fromkeys(("a/b", "first", "with blanks"), "added")
    assert first.states("packs") == dict.fromkeys(("Slack.a..env.prod", "Ticker"), "added")
    assert first.states("items") == dict.fromkeys(("env", "a b"), "added")
    for kind in ("flows", "packs", "items"):
        assert second.states(kind) == dict.fromkeys(first.states(kind), "same")


def test_folder_is_a_source_as_the_server_was(
    floe_import: Any, folder: Path, tmp_path: Path
) -> None:
    floe_import()
    again = floe_import(url=str(folder), into=tmp_path / "again")

    assert again.code == 0
    files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    assert {path: (folder / path).read_bytes() for path in files} == {
        path: (tmp_path / "again" / path).read_bytes() for path in files
    }


def test_registration_has_what_the_pack_said_and_no_link_of_the_server(
    floe_import: Any, folder: Path
) -> None:
    floe_import()

    assert json.loads((folder / "packs.json").read_text())[0] == {
        "name": "Slack",
        "labels": {"env": "prod", "a": ""},
        "commands": [{"name": "Send", "events": ["Sent"]}, {"name": "Ask", "events": None}],
        "events": [{"name": "Sent", "links": [{"href": "http://h/sent", "rel": "help"}]}],
        "links": [{"href": "http://h", "rel": "help"}],
    }


def test_pack_that_names_its_events_in_a_different_order_is_the_same(
    floe_import: Any, server: OriginalServer
) -> None:
    server.add_pack("Two", events=[{"name": "A"}, {"name": "B"}])
    floe_import()
    server.add_pack("Two", events=[{"name": "B"}, {"name": "A"}])

    assert floe_import().states("packs")["Two"] == "same"


def test_flow_that_was_deleted_at_the_source_is_named_and_stays(
    floe_import: Any, server: OriginalServer, folder: Path
) -> None:
    floe_import()
    del server.flows["first"]
    done = floe_import()

    assert (done.code, done.report["only_in_target"]["flows"]) == (0, ["first"])
    assert (folder / "flows/first.yaml").exists()


def test_folder_that_no_import_wrote_is_refused(floe_import: Any, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    done = floe_import(url=str(tmp_path / "other"))

    assert (done.code, "has no flows, packs.json or items.json" in done.err) == (2, True)


def test_dry_run_writes_nothing(floe_import: Any, folder: Path) -> None:
    done = floe_import("--dry-run")

    assert (done.code, done.states("flows")["first"]) == (0, "added")
    assert not folder.exists()


def test_what_differs_is_overwritten_only_when_told(
    floe_import: Any, server: OriginalServer, folder: Path
) -> None:
    floe_import()
    server.add_flow("first", a_step(id="changed"))
    server.items["env"] = ("application/json", "", b"{}")

    kept = floe_import()
    before = (folder / "flows/first.yaml").read_text()
    replaced = floe_import("--replace")

    assert (kept.code, kept.states("flows")["first"], kept.states("items")["env"]) == (
        1,
        "differs",
        "differs",
    )
    assert "changed" not in before
    assert (replaced.code, replaced.states("flows")["first"]) == (0, "replaced")
    assert "changed" in (folder / "flows/first.yaml").read_text()


def test_file_that_cannot_be_read_is_reported_and_replaced_when_told(
    floe_import: Any, folder: Path
) -> None:
    floe_import()
    (folder / "flows/first.yaml").write_text("<<<<<<< HEAD\nname: [")
    (folder / "items/env").unlink()
    kept, replaced = floe_import(), floe_import("--replace")

    assert "first.yaml" in kept.why("flows", "first")
    assert (kept.code, kept.states("items")["env"]) == (1, "added")
    assert (replaced.code, replaced.states("flows")["first"]) == (0, "replaced")


def test_odd_list_of_a_server_is_reported(floe_import: Any, server: OriginalServer) -> None:
    rows = [{"name": 5, "links": [{"rel": "self", "href": server.url + "/v1"}]}, {}, {"links": 3}]
    server.answers["/v1/flows"] = (200, {}, json.dumps({"flows": rows}).encode())
    server.answers["/v1/packs"] = (200, {}, b'{"packs": {"a": 1}}')
    row = {"key": "x", "contentType": "a\r\nb: c", "links": [{"rel": "self", "href": "http://["}]}
    server.answers["/v1/datastore"] = (200, {}, json.dumps({"datastore": [row]}).encode())
    done = floe_import()

    assert (done.code, done.states("flows")) == (1, {"5.0": "failed", "": "failed"})
    assert (done.states("items"), list(done.report["lists"])) == ({"x": "failed"}, ["packs"])


def test_text_and_number_of_an_input_differ(floe_import: Any, server: OriginalServer) -> None:
    floe_import()
    step = a_step(id="a", criteria="{{ Event.Payload.ok }}")
    step["command"]["input"]["n"] = "5"
    server.add_flow("first", step)

    assert floe_import().states("flows")["first"] == "differs"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((404, {}, b""), "answers 404"),
        ((500, {}, b""), "answers 500"),
        ((403, {}, b"<html>no"), "answers 403"),
        ((200, {}, b"<!doctype html><title>Log in"), "begins with '<!doctype html><title>Log in'"),
        ((200, {}, b"[]"), "does not answer like flyte"),
        ((200, {}, b'{"name": "other", "steps": []}'), "does not answer with this flow"),
        ((200, {}, b'{"name": "first", "steps": 5}'), "steps: a list is needed, not a number"),
        ((200, {}, b"[" * 100_000), "does not answer like flyte"),
        ((302, {"Location": "https://sso/login"}, b""), "is a redirect to https://sso/login"),
    ],
)
def test_one_bad_flow_does_not_stop_the_others(
    floe_import: Any, server: OriginalServer, answer: Any, why: str
) -> None:
    server.answers["/v1/flows/first"] = answer
    done = floe_import()

    assert done.code == 1
    assert done.states("flows") == {"a/b": "added", "first": "failed", "with blanks": "added"}
    assert why in done.why("flows", "first")


def test_list_that_is_refused_does_not_stop_the_others(
    floe_import: Any, server: OriginalServer
) -> None:
    server.answers["/v1/datastore"] = (403, {}, b"")
    done = floe_import()

    assert (done.code, list(done.report["lists"])) == (1, ["items"])
    assert done.states("flows")["first"] == "added"


def test_flow_whose_name_its_link_cannot_have_is_reported(
    floe_import: Any, server: OriginalServer
) -> None:
    server.add_flow("what?")
    server.add_flow("")
    done = floe_import()

    assert "answers 404" in done.why("flows", "what?")
    assert "does not answer with this flow" in done.why("flows", "")


def test_token_goes_to_the_server(
    floe_import: Any, server: OriginalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.token = "sesame"
    (tmp_path / "jwt").write_text("sesame\n")
    refused = floe_import()
    monkeypatch.setenv("FLYTE_JWT", "sesame")

    assert (refused.code, "--token-file" in refused.err) == (2, True)
    assert [
        one.code
        for one in (
            floe_import(),
            floe_import("--token", "sesame"),
            floe_import("--token-file", str(tmp_path / "jwt")),
        )
    ] == [0, 0, 0]


def test_link_to_a_different_server_is_not_followed(
    floe_import: Any, server: OriginalServer
) -> None:
    with original_server() as other:
        server.host = other.url.removeprefix("http://")
        done = floe_import("--token", "sesame")

    assert (done.code, other.asked) == (3, [])
    assert f"leads to {other.url}/v1/datastore, which is a different server" in done.err


def test_server_that_dies_half_way_is_said_and_the_next_import_goes_on(
    floe_import: Any, server: OriginalServer, folder: Path
) -> None:
    server.dies_after = 9
    died = floe_import()
    server.dies_after = -1
    done = floe_import()

    assert died.code == 3
    assert "no reply from localhost" in died.err
    assert len(died.report["flows"]) == 1
    assert sorted(done.states("flows").values()) == ["added", "added", "same"]
    assert set(done.states("items").values()) == {"same"}


def test_server_that_fails_for_each_flow_is_left_alone(
    floe_import: Any, server: OriginalServer
) -> None:
    for number in range(40):
        server.add_flow(f"f{number:02}")
        server.answers[f"/v1/flows/f{number:02}"] = (500, {}, b"")
    done = floe_import("--only", "flows")

    assert done.code == 3
    assert len(server.asked) < 20


@pytest.mark.parametrize("url", ["", "ftp://h", "http://", "http://h:0", "http://h:x", "http://["])
def test_address_that_is_none_is_refused(floe_import: Any, url: str) -> None:
    done = floe_import(url=url or " ")

    assert (done.code, "is not the address of a server" in done.err) == (2, True)


def test_password_in_the_address_is_refused_and_not_shown(floe_import: Any) -> None:
    done = floe_import(url="http://ada:secret@h")

    assert (done.code, "secret" in done.err) == (2, False)


def test_certificate_counts_unless_told_otherwise(floe_import: Any) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")
    with original_server(context) as server:
        server.add_flow("first", a_step())
        unknown = floe_import(url=server.url)
        trusted = floe_import("--ca", str(TLS / "cert.pem"), url=server.url)
        any_will_do = floe_import("--insecure", url=server.url)
        plain = floe_import(url=server.url.replace("https", "http"))

    assert (unknown.code, "--ca FILE" in unknown.err) == (3, True)
    assert (trusted.code, any_will_do.code, plain.code) == (0, 0, 3)


def test_address_with_the_version_is_taken(floe_import: Any, server: OriginalServer) -> None:
    assert floe_import(url=f"{server.url}/v1/").code == 0


def test_findings_stand_beside_their_flow_and_change_no_exit_code(
    floe_import: Any, server: OriginalServer
) -> None:
    step = a_step(criteria="{{ 1|nofilter }}", event={"name": "Tack", "packName": "Ticker"})
    server.add_flow("odd", step)
    done = floe_import()

    [odd] = [one for one in done.report["flows"] if one["name"] == "odd"]
    assert done.code == 0
    assert [one["what"] for one in odd["findings"]] == [
        "steps[0].event.name: no pack `Ticker` says that it sends `Tack`",
        "steps[0].criteria: there is no filter `nofilter`",
    ]


def test_packs_that_could_not_be_read_are_not_missed_in_flows(
    floe_import: Any, server: OriginalServer
) -> None:
    server.answers["/v1/packs/Ticker"] = (500, {}, b"")
    done = floe_import()

    assert (done.code, done.states("packs")["Ticker"]) == (1, "failed")
    assert [one["findings"] for one in done.report["flows"][:2]] == [[], []]


def test_key_that_makes_no_file_is_reported(
    floe_import: Any, server: OriginalServer, folder: Path
) -> None:
    server.items["../../x"] = ("text/plain", "", b"x")
    server.items["x" * 300] = ("text/plain", "", b"x")
    done = floe_import("--only", "items")

    assert done.states("items")["x" * 300] == "failed"
    assert [path.name for path in folder.parent.iterdir()] == ["flyte"]
