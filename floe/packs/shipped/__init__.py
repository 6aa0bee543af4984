"""Packs that come with floe. Each is a module with `main`, which runs it until it is stopped.

FLYTE_API=http://127.0.0.1:8080/flyte python -m floe.packs.shipped.shell
"""

from typing import Final

SHIPPED: Final = {
    "shell": "run programs that its configuration allows",
    "http": "send requests to servers that its configuration allows",
    "chat": "send and receive messages of Slack, and send to Mattermost",
    "mail": "send mails by SMTP",
    "forge": "set statuses of commits, and comment, at GitHub, GitLab, Gitea or Forgejo",
    "timer": "send events at equal times, or by cron",
}
"""Each pack by the name of its module, with its line of help."""
