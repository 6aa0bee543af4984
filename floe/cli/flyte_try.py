"""`floe flyte try`: which steps an event would fire, and why each other one does not."""

import json
from collections.abc import Iterator
from typing import Final

import click

from floe.cli.check import STDIN, standard_input
from floe.cli.client import connected
from floe.cli.formats import as_json, clean
from floe.config import read_local
from floe.model.errors import Yours
from floe.model.ids import Shape

WORDS: Final = {
    "fires": "fires",
    "labels": "does not fire: labels",
    "criteria": "does not fire: criteria",
    "waits": "does not fire: depends on others",
    "fault": "fails",
}


@click.command()
@click.argument("file", metavar="EVENT.json")
@click.option("--send", is_flag=True, help="Then send it, as its pack would.")
@click.option("--json", "json_", is_flag=True, help="Print the reply as JSON.")
def command(file: str, send: bool, json_: bool) -> None:
    """Show which steps of the current flows an event would fire, with which input, and why each
    other step does not. Nothing is kept, and no run begins.

    EVENT.json (- for standard input) has the id of a pack, or the name of one that is not
    registered, the name of an event and its payload. Exits with 1 if a template fails.

    \b
    Examples:
      floe flyte try event.json
      echo '{"pack": "Slack", "event": "ReceivedMessage", "payload": {"message": "hi"}}' |
        floe flyte try - --send
    """
    event, client = _event(file), connected()
    tried = client.post("flyte/events/try", event)
    sent = client.post("flyte/events/send", event) if send else None
    if json_:
        as_json(tried if sent is None else {"tried": tried, "sent": sent})
    else:
        for line in [*_lines(tried), *_sent(sent)]:
            click.echo(clean(line))
    steps = [step for flow in tried["flows"] for step in flow["steps"]]
    if any(step["outcome"] == "fault" for step in steps):
        raise SystemExit(1)


def _event(file: str) -> Shape:
    """The event in a file. Raises Yours, ConfigInvalid."""
    text = standard_input() if file == STDIN else read_local(file)
    try:
        event = json.loads(text)
    except ValueError as error:
        raise Yours(f"{file} is not JSON: {error}") from None
    if not isinstance(event, dict):
        raise Yours(f"{file} has no JSON object", 'as in {"pack": "Slack", "event": "Sent"}')
    return event


def _lines(tried: Shape) -> Iterator[str]:
    for start in tried["starts"]:
        condition = f" if {start['condition']}" if start["condition"] else ""
        yield f"{start['name']}: {start['why'] or 'a run starts' + condition}"
    if not tried["flows"] and not tried["starts"]:
        yield f"no flow waits for {tried['event']} of {tried['pack']}"
        near = ", ".join(f"{one['pack']} {one['event']}" for one in tried["near"])
        if near:
            yield f"flows wait for: {near}"
    for flow in tried["flows"]:
        yield flow["name"]
        for step in flow["steps"]:
            name = step["step"] or f"step {step['number']}, which has no id"
            yield f"  {name}: {WORDS[step['outcome']]}"
            yield from (f"    {line}" for line in _about(step))
    if tried["more"]:
        yield f"{tried['more']} more flows wait for it"


def _about(step: Shape) -> Iterator[str]:
    if action := step.get("action"):
        labels = " ".join(f"{name}={value}" for name, value in action["labels"].items())
        yield " ".join(filter(None, [action["pack"], action["command"], labels]))
        if action["input"] is not None:
            yield json.dumps(action["input"], ensure_ascii=False)
        if action["waits"]:
            yield action["waits"]
    elif fault := step.get("fault"):
        at = f", line {fault['line']}, column {fault['column']}" if "line" in fault else ""
        yield f"{fault['place']}{at}: {fault['what']}"
        yield from filter(None, [fault.get("template", ""), fault["hint"]])
    else:
        yield step["why"]


def _sent(sent: Shape | None) -> Iterator[str]:
    if sent is None:
        return
    if not sent["judged"]:
        yield "sent: it waits in the inbox, and its runs come when it is judged"
    elif sent["runs"]:
        yield f"sent: it opened {', '.join(sent['runs'])}"
    else:
        yield "sent: it opened no run"
