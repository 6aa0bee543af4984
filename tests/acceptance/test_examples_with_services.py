"""Whole flows of the examples against services of this machine: a report, a canary, a token."""

import json
import shlex
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import HostOf
from tests.acceptance.flows import EXAMPLES
from tests.acceptance.people import floe, hosted, said
from tests.acceptance.product import FLOE, TOKEN, Host
from tests.receivers import a_mailbox

pytestmark = pytest.mark.slow

OLD, NEW = "token-old-4f9d2c7e81", "token-new-81e7c2d9f4"
ROWS = "shop,sum\nberlin,7\nparis,5\nberlin,2\n"


@dataclass
class Services:
    """The services that the examples name: exports, a canary, and a provider of tokens."""

    url: str = ""
    asked: int = 0
    """How often the state of the export was asked for."""
    percents: list[tuple[str, int]] = field(default_factory=list)
    """The shares of the canary, as they were set."""
    errors: int = 3
    """Failed ones of 1,000 requests to the canary."""
    tokens: dict[str, str] = field(default_factory=lambda: {"t1": OLD})
    """The valid tokens by their ids."""

    def reply(self, request: str, token: str, body: Any) -> tuple[int, object]:
        """The status and the body for a request by someone with a token."""
        own = next((id_ for id_, one in self.tokens.items() if one == token), "")
        if not own and not request.startswith("GET /figures"):
            return 401, {"error": "unknown token"}
        match request.split("?")[0].split("/"):
            case ["POST ", "exports"]:
                return 202, {"id": "e7"}
            case ["GET ", "exports", "e7"]:
                self.asked += 1
                return 200, {"state": "done" if self.asked > 2 else "running"}
            case ["GET ", "exports", "e7", "rows.csv"]:
                return 200, ROWS
            case ["PUT ", "canary"]:
                self.percents.append((body["version"], body["percent"]))
                return 200, {}
            case ["GET ", "figures"]:
                return 200, {"requests": 1000, "errors": self.errors}
            case ["GET ", "tokens", "own"]:
                return 200, {"id": own}
            case ["POST ", "tokens"]:
                self.tokens["t2"] = NEW
                return 201, {"token": NEW}
            case ["DELETE ", "tokens", id_]:
                del self.tokens[id_]
                return 200, {}
            case _:
                return 404, {"error": request}


@pytest.fixture
def services() -> Iterator[Services]:
    found = Services()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            request = f"{self.command} {self.path}"
            status, body = found.reply(request, token, json.loads(data) if data else None)
            text = body if isinstance(body, str) else json.dumps(body)
            self.send_response(status)
            kind = "text/csv" if isinstance(body, str) else "application/json"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        do_POST = do_PUT = do_DELETE = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def example(name: str, services: Services, **here: str) -> str:
    """The text of an example, with services of this machine, and without its waits."""
    text = (EXAMPLES / name).read_text().replace("http://127.0.0.1:8099", services.url)
    for written, local in {"every: 30s": "every: 0.1", **here}.items():
        text = text.replace(written, local)
    return text


def test_report_is_mailed_once_its_export_is_ready(tmp_path: Path, services: Services) -> None:
    with a_mailbox() as box:
        config = example("report.yml", services, **{"port: 8025": f"port: {box.port}"})
        with hosted(tmp_path, config, {"FLOE_SECRET_EXPORT_TOKEN": OLD}) as host:
            over = host.until_over(host.trigger("report"))

    assert over["good"] is True, over["why"]
    assert services.asked == 3
    (mail,) = box.mails
    assert mail["to"] == "shops@example.com"
    assert "berlin: 9\nparis: 5\n" in mail.get_content().replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("errors", "answer", "percents"),
    [(3, True, [10, 100]), (3, False, [10, 0]), (70, None, [10, 0])],
    ids=["signed off", "rejected", "too many errors"],
)
def test_canary_gets_all_traffic_only_after_its_sign_off(
    tmp_path: Path, services: Services, errors: int, answer: bool | None, percents: list[int]
) -> None:
    services.errors = errors
    with hosted(
        tmp_path, example("canary.yml", services), {"FLOE_SECRET_DEPLOY_TOKEN": OLD}
    ) as host:
        run = host.trigger("canary", version="1.2.0", **{"errors-max": "1"})
        if answer is not None:
            host.until_node(run, "sign-off", "asking")
            said(floe(host, "give", run, "sign-off", *([] if answer else ["--reject"])))
        over = host.until_over(run)

    assert over["good"] is (answer is True), over["why"]
    assert services.percents == [("1.2.0", percent) for percent in percents]


def renewed(host: Host) -> str:
    """Every file of floe, its log, and the replies about the run, as one text."""
    files = (path for path in host.root.rglob("*") if path.is_file())
    return "\n".join(path.read_bytes().decode(errors="replace") for path in (*files, host.log))


def test_token_is_renewed_in_the_vault_and_stored_nowhere_else(
    services: Services, host_of: HostOf, tmp_path: Path
) -> None:
    host = host_of(
        example(
            "token.yml",
            services,
            **{
                "http://127.0.0.1:8080/build/api": "$(cat $HERE/url)",
                "floe secret": f"{shlex.quote(str(FLOE[0]))} secret",
            },
        )
    )
    (tmp_path / "url").write_text(host.api.at.url)
    for name, value in (("PROVIDER_TOKEN", OLD), ("ADMIN_TOKEN", TOKEN)):
        host.api.post("hosts/h1/secrets", {"name": name, "value": value})

    run = host.trigger("renew-token")

    over = host.until_over(run)
    assert over["good"] is True, over["why"]
    assert services.tokens == {"t2": NEW}
    host.stop()
    assert [token for token in (OLD, NEW) if token in renewed(host)] == []
