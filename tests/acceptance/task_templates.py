"""Templates of uTask whose tasks show each state that a page of the dashboard knows."""

from pathlib import Path
from typing import Final

CONFIG: Final = """
common: {base-url: /build/api, utask: {templates: [$GO/templates]}}
flows: []
"""

PASSWORD: Final = "opensesame-1"  # of a test

DEPLOY: Final = """
name: deploy
description: Deploy a service
title_format: Deploy {{.input.service}}
inputs:
  - {name: service, description: Which service}
  - {name: size, type: number, legal_values: [1, 2], default: 1, description: How large}
  - {name: token, type: password, description: Its password}
resolver_inputs: [{name: reason, description: Why, regex: '^[a-z ]+$'}]
steps:
  ask:
    description: Ask for the service
    action:
      type: echo
      configuration:
        output: {sent: 'with {{.input.token}}'}
        error_message: 'refused: {{.input.token}} ({{.resolver_input.reason}})'
        error_type: client
  ship:
    description: Ship it
    dependencies: [ask]
    action: {type: echo, configuration: {output: shipped}}
"""

LOOP: Final = """
name: servers
description: Restart servers
title_format: Restart some servers
auto_runnable: true
steps:
  each:
    foreach: '["eu-1", "eu-2", "us-1"]'
    action: {type: echo, configuration: {output: {server: '{{.iterator}}'}}}
    conditions:
      - type: check
        if: [{value: '{{.iterator}}', operator: EQ, expected: us-1}]
        then: {this: TO_RETRY}
        message: us-1 does not answer yet
  after:
    dependencies: [each]
    action: {type: echo, configuration: {output: all}}
"""

CALLBACK: Final = """
name: approval
description: Wait for another system
title_format: Wait for another system
auto_runnable: true
steps:
  make:
    action: {type: callback, configuration: {action: create}}
  wait:
    dependencies: [make]
    action: {type: callback, configuration: {action: wait, id: '{{.step.make.output.id}}'}}
"""

SPENT: Final = """
name: spent
description: Fails each time
title_format: Fails each time
auto_runnable: true
retry_max: 1
steps:
  one: {action: {type: echo, configuration: {error_message: it is down}}}
"""

GREETING: Final = """
name: greeting
description: Say hello
title_format: Greet {{.input.who}}
auto_runnable: true
inputs: [{name: who, description: Whom}]
result_format: {text: '{{.step.say.output.text}}'}
steps:
  say: {action: {type: echo, configuration: {output: {text: 'Hello {{.input.who}}'}}}}
  never:
    dependencies: [say]
    action: {type: echo, configuration: {output: x}}
"""


def write_templates(folder: Path) -> None:
    """Put them where the config looks for them."""
    (folder / "templates").mkdir()
    texts = {"deploy": DEPLOY, "servers": LOOP, "approval": CALLBACK, "spent": SPENT}
    for name, text in {**texts, "greeting": GREETING}.items():
        (folder / f"templates/{name}.yaml").write_text(text)
