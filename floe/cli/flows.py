"""`floe flows`: list the flows of a host."""

from collections.abc import Mapping
from typing import Any

import click

from floe.cli.client import connected
from floe.cli.formats import Painted, age, ahead, as_json, clean, finding, run_state, table


@click.command()
@click.option("--json", "json_", is_flag=True, help="Print the reply as JSON.")
def command(json_: bool) -> None:
    """List the flows of a host with their triggers and the result of the last run.

    \b
    Examples:
      floe flows
      floe flows --json | jq -r '.flows[].id'
    """
    answer = connected().get("flows")
    if json_:
        as_json(answer)
        return
    rows = []
    for flow in answer["flows"]:
        last = flow["last"]
        triggers = ", ".join(_trigger(t) for t in flow["triggers"])
        needs = ", ".join(flow["host_tags"])
        state = "–"
        if last:
            state = Painted(f"{run_state(last)} {age(last['ended_at'] or last['pended_at'])}")
        rows.append((f"{flow['id']}@{flow['ver']}", flow["name"], needs, state, triggers))
    table(("FLOW", "NAME", "HOST TAGS", "LAST RUN", "TRIGGERS"), rows)
    for shape in answer["findings"]:
        click.echo(finding(shape), err=True)
    for flow in answer["flows"]:
        for trigger in flow["triggers"]:
            where = f"{flow['id']}/{trigger['id']}"
            if trigger.get("problem"):
                click.echo(f"{where}: warning: {clean(trigger['problem'])}", err=True)
            for passed in trigger.get("passed_over", [])[:1]:
                since = f"passed over {age(passed['at'])}"
                click.echo(f"{where}: {since}: {clean(passed['why'])}", err=True)


def _trigger(trigger: Mapping[str, Any]) -> str:
    """A trigger by its id and type, and when it fires or polls next."""
    due = trigger.get("next_due")
    return f"{trigger['id']} ({trigger['type']}{f', next {ahead(due)}' if due else ''})"
