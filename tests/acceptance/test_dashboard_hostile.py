"""Whatever others write, the dashboard shows as text: no element, no dialog, no request of theirs.

Each test also fails where the browser complains (see `page`), asks another server, or holds an
element or a hidden character that only a text can have brought.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.dashboard import Host, browser, complaints, page, status
from tests.acceptance.fleet import a_host, fleet

__all__ = ["browser", "complaints", "page"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

HTML = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'><svg onload=alert(3)>"
HIDDEN = "a\u202egpj.exe\u2066b\u200bc\u00add\u2060e\u061cf\u3164g\U000e0041h\u2028i"
VISIBLE = r"a\u202egpj.exe\u2066b\u200bc\u00add\u2060e\u061cf\u3164g\u{e0041}h\u2028i"
EVIL = HTML + HIDDEN
SEEN = HTML + VISIBLE
LONG = "x" * 400
RTL = "שלום"

OUTPUT = r"""
printf '<script>alert(1)</script><b onclick=alert(2)>bold</b>\n'
printf 'see \033]8;;http://evil.example/\033\\this\033]8;;\033\\ link\n'
printf 'one\033[2J\033[1;1H\033[5A\033[10D two\033[K\n'
printf '\033]0;another title\007\033]52;c;ZXZpbA==\007\033P+q544e\033\\set\n'
printf 'nul\0here \377\376 and \303\n'
printf 'user\342\200\256txt.exe \342\200\213zero\n'
printf '\033[38;2;1;2;3;url(x)m\033[31;expression(alert(1))mstyled\033[0m\n'
printf 'javascript:alert(1) data:text/html,<script>alert(1)</script>\n'
printf '\033[8mconcealed\033[0m\n'
head -c 1000000 /dev/zero | tr '\0' z
echo
echo 'last line'
"""

FLOW: dict[str, Any] = {
    "id": "evil",
    "name": EVIL,
    "resource-tags": ["a:b/c@d+e"],
    "env": [f"EVIL={EVIL}"],
    "triggers": [
        {
            "id": "start",
            "name": EVIL,
            "type": "data",
            "opts": {
                "form": {
                    "title": EVIL,
                    "fields": [
                        {"id": "text", "prompt": EVIL, "type": "text", "value": EVIL},
                        {"id": "pick", "prompt": "Pick", "type": "choice", "choices": [EVIL, "b"]},
                    ],
                }
            },
        }
    ],
    "tasks": [
        {
            "id": "say",
            "name": EVIL,
            "type": "exec",
            "listen": "trigger.good",
            "opts": {"shell": 'echo "out=$FLOE_IN_TEXT" >> "$FLOE_OUTPUTS"' + OUTPUT},
        },
        {
            "id": "ask",
            "name": EVIL,
            "type": "data",
            "listen": "task.say.good",
            "opts": {
                "form": {
                    "title": EVIL,
                    "fields": [{"id": "sure", "prompt": EVIL, "required": False}],
                }
            },
        },
        {
            "id": "break",
            "name": EVIL,
            "type": "exec",
            "listen": "task.ask.good",
            "opts": {"cmd": "'/nowhere/<img src=x onerror=alert(1)>'"},
        },
    ],
}
SHORT = {
    "id": "7",
    "name": RTL,
    "triggers": [{"id": "go", "name": RTL, "type": "data"}],
    "tasks": [
        {"id": "5", "name": RTL, "type": "exec", "listen": "trigger.good", "opts": {"cmd": "true"}}
    ],
}
WIDE = {
    "id": "w" * 63,
    "name": LONG,
    "triggers": [
        {
            "id": "t" * 63,
            "name": LONG,
            "type": "data",
            "opts": {"form": {"title": LONG, "fields": [{"id": "f" * 60, "prompt": LONG}]}},
        }
    ],
    "tasks": [
        {
            "id": "n" * 63,
            "name": LONG,
            "type": "data",
            "listen": "trigger.good",
            "opts": {"form": {"title": LONG, "fields": [{"id": "g" * 60, "prompt": LONG}]}},
        }
    ],
}

BROKEN = {
    "id": "broken",
    "triggers": [{"id": "go", "type": "data"}],
    "tasks": [{"id": "a", "type": EVIL, "listen": "trigger.good"}],
}

STRANGE = """() => {
  const wrong = [];
  for (const element of document.querySelectorAll("*")) {
    for (const { name, value } of element.attributes) {
      if (/^on/i.test(name)) wrong.push(`${element.tagName} ${name}`);
      if (/^(href|src|action)$/.test(name) && /^\\s*(javascript|data):/i.test(value))
        wrong.push(value);
      if (/HIDDEN/u.test(value)) wrong.push(`${element.tagName} ${name}=${value}`);
    }
  }
  for (const name of ["img[src='x']", "svg[onload]", "iframe", "object", "embed", "base"])
    if (document.querySelector(name)) wrong.push(name);
  if (document.querySelectorAll("script").length !== 3) wrong.push("a script");
  if (/HIDDEN/u.test(document.documentElement.textContent)) wrong.push("a hidden character");
  if (/HIDDEN/u.test(document.title)) wrong.push("a hidden character in the title");
  return wrong;
}""".replace(
    "HIDDEN",
    r"[\u0000-\u0008\u000e-\u001f\u200b-\u200f"
    r"\u2028-\u202e\u2060-\u2069\u00ad\u061c\u3164]",
)
"""What is on the page that no text can have brought as text."""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    config = {"common": {"base-url": "/build/api"}, "flows": [FLOW, SHORT, WIDE, BROKEN]}
    host = Host(tmp_path, yaml.safe_dump(config))
    try:
        host.start()
        yield host
    finally:
        host.stop()


@pytest.fixture(autouse=True)
def only_this_host(page: Page, host: Host, complaints: list[str]) -> None:
    """Nothing is asked of any other server."""
    origin = f"http://{host.address}/"
    page.on(
        "request",
        lambda request: None if request.url.startswith(origin) else complaints.append(request.url),
    )


def tame(page: Page) -> None:
    """Nothing on the page is more than text."""
    expect(page.get_by_text("Loading")).to_have_count(0)
    assert page.evaluate(STRANGE) == []


def start(host: Host, flow: str, **values: object) -> str:
    """Start a run; its id."""
    trigger = {"evil": "start", "7": "go"}.get(flow, "t" * 63)
    body = {"ref": {"id": flow}, "form": {"id": trigger, "values": values}}
    return str(host.post("push/data", body)["run"])


def asking(page: Page, host: Host) -> str:
    """A run whose values, output and form are hostile, shown; its id."""
    run = start(host, "evil", text=EVIL, pick="b")
    page.goto(f"{host.url}/runs/{run}?tab=form")
    expect(page.get_by_role("tabpanel").get_by_role("heading", name=SEEN)).to_be_visible()
    return run


def test_names_prompts_and_choices_of_a_flow_are_text(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/flows")
    expect(page.get_by_role("link", name=SEEN)).to_be_visible()
    expect(page.locator(".findings")).to_contain_text("<script>alert(2)</script>")
    tame(page)
    page.goto(f"{host.url}/flows/evil")
    expect(page.get_by_role("heading", name=SEEN, level=1)).to_be_visible()
    expect(page.get_by_label(SEEN)).to_have_value(SEEN)
    expect(page.get_by_label("Pick").locator("option")).to_have_text(["choose…", SEEN, "b"])

    tame(page)


def test_value_with_tricks_is_shown_in_full_and_sent_as_it_was(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/flows/evil")
    page.get_by_label("Pick").select_option(label=SEEN)

    page.get_by_role("button", name="Start a run").click()
    page.wait_for_url(re.compile(r"/runs/h1-1"))

    assert host.get("runs/h1-1")["values"] == {"text": EVIL, "pick": EVIL}


def test_values_outputs_and_events_of_a_run_are_text(page: Page, host: Host) -> None:
    run = asking(page, host)
    tame(page)
    page.goto(f"{host.url}/runs/{run}?node=say&tab=data")
    expect(page.get_by_role("tabpanel").get_by_text(SEEN)).to_have_count(2)
    tame(page)
    page.goto(f"{host.url}/runs/{run}?tab=events")
    expect(page.get_by_role("tabpanel")).to_contain_text("DataAsked")
    for summary in page.locator("summary").all():
        summary.click()
    expect(page.get_by_role("tabpanel")).to_contain_text("<script>alert(2)</script>")
    tame(page)
    page.goto(f"{host.url}/runs/{run}?view=time&tab=why")
    expect(page.get_by_role("group", name="Timeline of the nodes")).to_contain_text(SEEN)
    tame(page)
    page.goto(host.url)
    expect(page.get_by_role("region", name="Waiting for you")).to_contain_text(SEEN)

    tame(page)


def line(page: Page, number: int) -> Locator:
    """The text of a line of the output."""
    rows = page.get_by_role("log", name="Output").locator(".output-line")
    return rows.filter(has=page.get_by_label(f"Line {number}", exact=True)).locator(".output-text")


def test_output_is_text_whatever_a_terminal_would_make_of_it(page: Page, host: Host) -> None:
    run = asking(page, host)
    title = page.title()
    page.goto(f"{host.url}/runs/{run}?node=say&tab=output&line=1")

    expect(line(page, 1)).to_have_text("<script>alert(1)</script><b onclick=alert(2)>bold</b>")
    expect(line(page, 2)).to_have_text("see this link")
    expect(line(page, 3)).to_have_text("one two")
    expect(line(page, 4)).to_have_text("set")
    expect(line(page, 5)).to_have_text("nul\\u0000here \ufffd\ufffd and \ufffd")
    expect(line(page, 6)).to_have_text("user\\u202etxt.exe \\u200bzero")
    expect(line(page, 7)).to_contain_text("styled")
    expect(line(page, 8)).to_have_text(
        "javascript:alert(1) data:text/html,<script>alert(1)</script>"
    )
    expect(line(page, 9)).to_have_text("concealed")
    expect(line(page, 10)).to_contain_text("995.9 kB more in this line")
    expect(line(page, 11)).to_have_text("last line")
    assert page.locator(".output-text a").count() == 0
    assert page.title() == title
    tame(page)


def test_error_and_its_reason_are_text(page: Page, host: Host) -> None:
    run = asking(page, host)
    page.get_by_role("button", name="Approve").click()
    status(page, "bad")
    page.goto(f"{host.url}/runs/{run}?node=break&tab=why")
    expect(page.get_by_role("list", name="Nodes")).to_contain_text("<img src=x onerror=alert(1)>")
    tame(page)
    page.goto(f"{host.url}/runs")
    expect(page.get_by_role("list", name="Runs").get_by_role("listitem")).to_have_count(1)

    tame(page)


def test_name_of_a_token_is_text_wherever_it_acts(page: Page, host: Host) -> None:
    name = f"<img src=x onerror=alert(1)>{RTL}"
    page.goto(f"{host.url}/tokens")
    page.get_by_label("What is it for?").fill(name)
    page.get_by_role("button", name="Make a token").click()
    token = page.locator(".token-made code").inner_text()
    tame(page)
    answer = page.request.post(
        f"http://{host.address}/build/api/push/data",
        headers={"X-Floe-Auth": token},
        data={"ref": {"id": "7"}},
    )
    assert answer.status == 202
    page.goto(f"{host.url}/runs")

    expect(page.get_by_role("list", name="Runs")).to_contain_text(f"admin:{name}")
    tame(page)
    page.goto(f"{host.url}/runs/h1-1")
    expect(page.locator(".head")).to_contain_text(f"admin:{name}")
    tame(page)


ADDRESSES = [
    f"runs/{quote(EVIL, safe='')}",
    f"flows/{quote(EVIL, safe='')}",
    f"{quote(EVIL, safe='')}",
    f"runs/h1-1?tab={quote(HTML)}&node={quote(HTML)}&view={quote(HTML)}",
    f"runs/h1-1?node=5&tab=output&attempt={quote(HTML)}&line={quote(HTML)}&sheet=1",
    "runs/h1-1?node=5&tab=output&attempt=-7&line=1e99",
    f"runs/h1-1?seq={quote(HTML)}",
    "runs/h1-1?seq=-1",
    f"runs?state={quote(HTML)}&text={quote(EVIL)}&since={quote(HTML)}&cursor={quote(HTML)}",
    f"flows/evil?trigger={quote(HTML)}",
    f"hosts?tag={quote(EVIL)}",
    f"#{HTML}",
    "runs/%E0%A4%A",
    "runs/..%2f..%2flogin",
    "runs/__proto__?tab=__proto__",
]


def test_addresses_are_text(page: Page, host: Host) -> None:
    start(host, "7")
    wrong: dict[str, list[str]] = {}

    for address in ADDRESSES:
        page.goto(f"{host.url}/{address}")
        expect(page.get_by_role("main")).not_to_be_empty()
        expect(page.get_by_role("navigation", name="Pages")).to_be_attached()
        expect(page.get_by_text("Loading")).to_have_count(0)
        if strange := page.evaluate(STRANGE):
            wrong[address] = strange

    assert wrong == {}


def test_what_a_host_reports_of_itself_is_text(page: Page, host: Host) -> None:
    hostile = a_host(
        HTML,
        tags=[EVIL, "javascript:alert(1)"],
        version=EVIL,
        url="javascript:alert(1)",
        problems=[EVIL],
        store=HTML,
        offers=["drain", "forget"],
    )
    fleet(page, [a_host("h1", self=True), hostile])

    page.goto(f"{host.url}/hosts")
    card = page.get_by_role("article").filter(has=page.get_by_role("heading", name=HTML))
    expect(card).to_contain_text(SEEN)
    expect(card).to_contain_text("javascript:alert(1)")
    tame(page)
    card.get_by_role("button", name="Forget").first.click()
    expect(page.get_by_role("dialog")).to_contain_text(HTML)
    tame(page)
    page.goto(host.url)
    expect(page.get_by_role("complementary")).to_contain_text(SEEN)
    tame(page)


def left_and_right(found: Locator) -> tuple[float, float]:
    """Where an element is."""
    box = found.bounding_box()
    assert box
    return box["x"], box["x"] + box["width"]


def test_name_from_right_to_left_moves_nothing_around_it(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/flows")
    row = page.get_by_role("link", name=f"{RTL} 7@1")

    name, id = row.locator("b"), row.locator(".id")

    assert left_and_right(name)[1] < left_and_right(id)[0]


def test_trigger_from_right_to_left_leaves_its_type_after_it(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/flows/7")
    trigger = page.locator(".plain-list li")

    name, type = trigger.locator("span").first, trigger.locator("span").nth(1)

    expect(name).to_have_text(RTL)
    assert left_and_right(name)[1] < left_and_right(type)[0]


@pytest.mark.parametrize("width", [1280, 390])
def test_long_names_make_no_page_wider_than_the_window(page: Page, host: Host, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    run = start(host, "w" * 63, **{"f" * 60: LONG})
    wide: list[str] = []

    for path in (
        "",
        "runs",
        "flows",
        f"flows/{'w' * 63}",
        f"runs/{run}",
        f"runs/{run}?view=time",
        f"runs/{run}?node={'n' * 63}&tab=data",
        f"runs/{run}?tab=why",
        f"runs/{run}?tab=events",
    ):
        page.goto(f"{host.url}/{path}")
        expect(page.locator("main h1")).to_have_count(1)
        expect(page.get_by_text("Loading")).to_have_count(0)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(path)

    assert wide == []
