"""Which executor carries out which action. A new type of action gets its entry here."""

from collections.abc import Mapping
from pathlib import Path

from floe.model.flow import Action, Exec, Fetch, GitCheckout, GitMerge
from floe.nodes.base import Executor
from floe.nodes.commands import Commands, CommandSettings
from floe.nodes.fetch import Fetches


class PassingCommands(Commands):
    """Commands on a temporary root: they and their warden end when it is closed."""

    async def close(self) -> None:
        """Stop every command and the warden. Raises World if the warden stays."""
        await self.shutdown()


def executors_of(
    root: Path, settings: CommandSettings, *, passing: bool = False
) -> Mapping[type[Action], Executor]:
    """The executor of each action on a host; `passing`: nothing runs on after `close`."""
    commands = (PassingCommands if passing else Commands)(root, settings)
    fetches = Fetches(root, commands.workspaces)
    return {Exec: commands, Fetch: fetches, GitCheckout: commands, GitMerge: commands}
