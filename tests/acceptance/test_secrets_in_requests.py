"""Secrets of http, ssh and notify tasks against servers that repeat them wherever they can."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.acceptance.people import hosted
from tests.acceptance.planted import found_on, traces_of
from tests.acceptance.product import Host, until
from tests.receivers import Mailbox, a_mailbox
from tests.sshd import USER, Sshd

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

FOUND = "HTTP/1.1 302 Found\nContent-Length: 0\nLocation: "
REPLIES = {
    "/reason": "HTTP/1.1 500 no TOKEN\nContent-Length: 0\n\n",
    "/location": f"{FOUND}URL/TOKEN?key=TOKEN\n\n",
    "/nowhere": f"{FOUND}file:///TOKEN\n\n",
    "/elsewhere": f"{FOUND}http://TOKEN.invalid/\n\n",
    "/garbage": "TOKEN is no status line\n\n",
    "/header": "HTTP/1.1 200 OK\nX TOKEN\n\n",
    "/cookie": "HTTP/1.1 200 OK\nContent-Length: 2\nSet-Cookie: a=TOKEN\nX-Token: TOKEN\n\n{}",
    "/json": 'HTTP/1.1 404 No\nContent-Type: text/json\nContent-Length: 9\n\n{"TOKEN": TOKEN',
    "/body": "HTTP/1.1 400 Bad\nConnection: close\n\nno TOKEN, BASIC",
    "/short": "HTTP/1.1 200 OK\nContent-Length: 9999\n\nTOKEN",
}
"""What the server answers; TOKEN is the credential that it got."""

SECRETS = {
    **{f"S_{path[1:].upper()}": f"{path[1:]}-4f9d2c7e81" for path in REPLIES},
    "S_BASIC": "basic-4f9d2c7e81",
    "S_HEADER_KEY": "header-key-4f9d2c7e81",
    "S_TLS": "tls-4f9d2c7e81",
    "S_MAILED": "mailed-4f9d2c7e81",
    "S_SSH": "ssh-4f9d2c7e81",
    "S_PASSWORD": "password-4f9d2c7e81",
    "S_SSH_KEY": "no-private-key-4f9d2c7e81",
    "S_GIT": "git-4f9d2c7e81",
}
HOOK = "/hook-4f9d2c7e81"
"""The path of the secret S_HOOK, which is a URL."""

REQUEST = """
      - id: $NAME
        type: http
        listen: trigger.good
        opts: {url: '$URL/$NAME', redirects: 2, auth: {bearer: {secret: $SECRET}}}
"""
CONFIG = """
common:
  smtp: {host: 127.0.0.1, port: $SMTP, tls: none, from: floe@example.com}
  http-forbid: [own-api]
flows:
  - id: all
    unheard-bad: hold
    triggers: [{id: go, type: data}]
    on-end:
      - {when: [bad], mail: {to: [ops@example.com]}}
      - {when: [bad], mail: {to: [team@example.com]}}
      - {when: [bad], webhook: '$URL/body'}
    tasks:
      - id: unfollowed
        type: http
        listen: trigger.good
        opts: {url: '$URL/location', auth: {bearer: {secret: S_LOCATION}}}
      - id: basic
        type: http
        listen: trigger.good
        opts: {url: '$URL/body', auth: {user: ada, password: {secret: S_BASIC}}}
      - id: header-key
        type: http
        listen: trigger.good
        opts: {url: '$URL/reason', headers: {X-Key: {secret: S_HEADER_KEY}}}
      - id: tls
        type: http
        listen: trigger.good
        opts: {url: '$TLS/reason', auth: {bearer: {secret: S_TLS}}}
      - id: hook
        type: notify
        listen: trigger.good
        opts: {slack: {secret: S_HOOK}, text: up}
      - id: ssh
        type: ssh
        listen: trigger.good
        secrets: [S_SSH]
        opts:
          host: 127.0.0.1
          port: $PORT
          user: $USER
          key-file: $SSH/key
          known-hosts: $SSH/known_hosts
          shell: 'echo "no $S_SSH" >&2; echo "a=$S_SSH" >> "$FLOE_OUTPUTS"; exit 3'
      - id: password
        type: ssh
        listen: trigger.good
        opts:
          host: 127.0.0.1
          port: $PORT
          user: $USER
          password: {secret: S_PASSWORD}
          known-hosts: $SSH/known_hosts
          cmd: date
      - id: ssh-key
        type: ssh
        listen: trigger.good
        opts:
          host: 127.0.0.1
          port: $PORT
          user: $USER
          key: {secret: S_SSH_KEY}
          known-hosts: $SSH/known_hosts
          cmd: date
      - id: git
        type: exec
        listen: trigger.good
        secrets: [S_GIT]
        opts: {shell: 'git ls-remote "$URL/$S_GIT" || git clone "https://ada:$S_GIT@127.0.0.1:1/a"'}
      - id: mailed
        type: exec
        listen: trigger.good
        secrets: [S_MAILED]
        opts: {shell: 'echo "last words: $S_MAILED"; exit 1'}
""" + "".join(
    REQUEST.replace("$NAME", path[1:]).replace("$SECRET", f"S_{path[1:].upper()}")
    for path in REPLIES
)


@contextmanager
def a_parrot() -> Iterator[str]:
    """The address of a server that repeats the credentials that it gets."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            path = token = basic = self._line().partition(" ")[2].partition(" ")[0]
            while line := self._line():
                name, _, value = line.partition(": ")
                if name.lower() in ("authorization", "x-key"):
                    token, basic = value.split(" ")[-1], value
            reply = REPLIES.get(path, REPLIES["/body"]).replace("\n", "\r\n")
            for word, text in (("TOKEN", token), ("BASIC", basic), ("URL", f"http://{at}")):
                reply = reply.replace(word, text)
            self.wfile.write(reply.encode())

        def _line(self) -> str:
            return self.rfile.readline().decode(errors="replace").strip()

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    at = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield at
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def notices(host: Host, run: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = host.api.get(f"runs/{run}/notices")["notices"]
    return found


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Host, str, Mailbox]]:
    """A host, its run with all of these tasks, and the mail about its end."""
    folder = tmp_path_factory.mktemp("requests")
    sshd = Sshd(folder / "ssh")
    sshd.start()
    with a_parrot() as at, a_mailbox() as box:
        box.replies = [f"550 no mailbox {SECRETS['S_MAILED']}"]
        names = {"$URL": f"http://{at}", "$TLS": f"https://{at}", "$SMTP": str(box.port)}
        names |= {"$PORT": str(sshd.port), "$USER": USER, "$SSH": str(sshd.folder)}
        config = CONFIG
        for name, text in names.items():
            config = config.replace(name, text)
        env = {f"FLOE_SECRET_{name}": value for name, value in SECRETS.items()}
        with hosted(folder, config, {**env, "FLOE_SECRET_S_HOOK": f"http://{at}{HOOK}"}) as host:
            run = host.trigger("all")
            host.until_over(run)
            until(lambda: len(box.mails) == 1 and not box.replies, "a mail that is accepted")
            until(
                lambda: all(one["tries"] for one in notices(host, run)), "the tries to send notices"
            )
            yield host, run, box
    sshd.stop()


def test_every_task_failed_as_it_should(ended: tuple[Host, str, Mailbox]) -> None:
    host, run, _ = ended

    states = {node["id"]: node["state"] for node in host.show(run)["nodes"]}

    assert {node for node, state in states.items() if state == "good"} == set()
    assert len(states) == len(SECRETS) + 2


def test_no_place_on_the_host_has_a_secret(ended: tuple[Host, str, Mailbox]) -> None:
    host, run, _ = ended

    assert found_on(host, run, {**SECRETS, "S_HOOK": HOOK}) == {}


def test_no_mail_about_the_end_has_a_secret(ended: tuple[Host, str, Mailbox]) -> None:
    _, run, box = ended

    (mail,) = box.mails

    assert (run in mail.as_string(), traces_of(SECRETS, mail.as_bytes())) == (True, [])
