"""Flows of many shapes, for the tests of graphs: branches, forty nodes, a wide fan-out, a loop."""

from typing import Final

FAN: Final = 300
"""Equal siblings of the wide flow."""

MODULES: Final = ("api", "web", "worker", "cli", "docs", "sdk")
"""Each is built and then tested in four ways."""

_SHARDS: Final = "".join(
    f"      - {{name: Shard {at:03}, type: exec, listen: task.split.good, opts: {{shell: "
    f"'test -e \"$GO/end\" || sleep 0.2; test {at} != 7'}}}}\n"
    for at in range(FAN)
)
_FORTY: Final = "".join(
    f"      - {{name: Build {one}, type: exec, listen: task.prepare.good, opts: {{cmd: 'true'}}}}\n"
    + "".join(
        f"      - {{name: {test} {one}, type: exec, listen: task.build-{one}.good,"
        " opts: {cmd: 'true'}}\n"
        for test in ("unit", "integration", "lint", "types")
    )
    + f"      - {{name: {one} ok, class: merge, type: all, wait: ["
    + ", ".join(f"task.{test}-{one}.good" for test in ("unit", "integration", "lint", "types"))
    + "]}\n"
    for one in MODULES
)

GRAPHS: Final = f"""
common: {{base-url: /build/api}}
flows:
  - name: Branches
    triggers: [{{name: Start, type: data}}]
    tasks:
      - {{name: Check Out, type: exec, listen: trigger.good, opts: {{cmd: 'true'}}}}
      - {{name: Unit Tests, type: exec, listen: task.check-out.good, opts: {{cmd: 'true'}}}}
      - {{name: Lint, type: exec, listen: task.check-out.good, opts: {{cmd: 'true'}}}}
      - {{name: Package Check, type: exec, listen: task.check-out.good, opts: {{cmd: 'true'}}}}
      - name: Both
        class: merge
        type: all
        wait: [task.unit-tests.good, task.lint.good, task.package-check.good]
      - {{name: Deploy to the staging environment, type: exec, listen: merge.both.good,
         opts: {{cmd: 'true'}}}}
      - {{name: Tell, class: merge, type: any,
         wait: [task.check-out.bad, task.unit-tests.bad, task.lint.bad]}}
      - {{name: Done, type: end, listen: task.deploy-to-the-staging-environment.good}}

  - name: Kinds
    triggers: [{{name: Start, type: data}}]
    tasks:
      - {{name: Get, type: git-checkout, listen: trigger.good,
         opts: {{url: "file:///nowhere", branch: main}}}}

  - name: Forty
    triggers: [{{name: Start, type: data}}]
    tasks:
      - {{name: Prepare, type: exec, listen: trigger.good, opts: {{cmd: 'true'}}}}
{_FORTY}
      - name: All
        class: merge
        type: all
        wait: [{", ".join(f"merge.{one}-ok.good" for one in MODULES)}]
      - {{name: Publish, type: exec, listen: merge.all.good, opts: {{cmd: 'true'}}}}
      - {{name: Done, type: end, listen: task.publish.good}}

  - name: Wide
    triggers: [{{name: Start, type: data}}]
    tasks:
      - {{name: Split, type: exec, listen: trigger.good, opts: {{cmd: 'true'}}}}
{_SHARDS}
      - name: All
        class: merge
        type: all
        wait: [{", ".join(f"task.shard-{at:03}.good" for at in range(FAN))}]
      - {{name: Done, type: end, listen: merge.all.good}}
"""
"""`$GO` is the host's folder."""
