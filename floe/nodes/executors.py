"""Which executor carries out which action. A new type of action gets its entry here."""

import os
from collections.abc import Mapping
from pathlib import Path

from floe.model.call import Call
from floe.model.callback import Callback
from floe.model.http import Http
from floe.model.notify import Notify
from floe.model.ssh import Ssh
from floe.model.work import Action, Exec, Fetch, GitCheckout, GitMerge
from floe.nodes.base import NO_SECRETS, Executor, Secrets
from floe.nodes.call_ground import NO_SETTINGS, CallCommands, CallGround, CallHub
from floe.nodes.callbacks import CallRequests
from floe.nodes.calls import NO_DIALECTS, Calls
from floe.nodes.command_environment import inherited
from floe.nodes.commands import Commands
from floe.nodes.fetch import Fetches
from floe.nodes.forbidden import NOTHING_FORBIDDEN, ForbiddenAddresses
from floe.nodes.notify import NotifySender
from floe.nodes.notify_tasks import NotifyTasks
from floe.nodes.passing_commands import PassingCommands
from floe.nodes.preparation import CommandSettings
from floe.nodes.requests import Requests
from floe.nodes.smtp import Smtp
from floe.places import Places


def executors_of(
    root: Path,
    settings: CommandSettings,
    *,
    passing: bool = False,
    places: Places | None = None,
    secrets: Secrets = NO_SECRETS,
    forbidden: ForbiddenAddresses = NOTHING_FORBIDDEN,
    smtp: Smtp | None = None,
    public_url: str = "",
    calls: Mapping[str, str] = NO_DIALECTS,
    call_settings: Mapping[str, object] = NO_SETTINGS,
) -> Mapping[type[Action], Executor]:
    """The executor of each action on a host; `passing`: nothing runs on after `close`.

    `calls`: what makes the types of calls, by dialect. `call_settings`: what the config has for
    them, by dialect.
    """
    places = places or Places()
    commands = (PassingCommands if passing else Commands)(
        root, settings, places=places, secrets=secrets
    )
    ground = CallGround(
        commands=CallCommands(commands, inherited(os.environ, settings.pass_env)),
        forbidden=forbidden,
        settings=call_settings,
    )
    fetches = Fetches(root, commands.workspaces, places=places)
    return {
        Exec: commands,
        Fetch: fetches,
        Http: Requests(places=places, secrets=secrets, forbidden=forbidden),
        Notify: NotifyTasks(
            NotifySender(smtp, places, forbidden),
            places=places,
            secrets=secrets,
            public_url=public_url,
        ),
        GitCheckout: commands,
        GitMerge: commands,
        Callback: CallRequests(places=places, secrets=secrets, forbidden=forbidden),
        Ssh: commands,
        Call: Calls(places=places, dialects=calls, ground=ground),
    }


def lend(hub: CallHub, executors: Mapping[type[Action], Executor]) -> None:
    """Give calls the hub of their host, which is there after the executors."""
    calls, callbacks = executors.get(Call), executors.get(Callback)
    if isinstance(calls, Calls):
        calls.ground.hub = hub
    if isinstance(callbacks, CallRequests):
        callbacks.address_of = hub.callbacks.address_of
