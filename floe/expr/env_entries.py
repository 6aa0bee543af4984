"""The entries of `env`: their names, which hold a value of the run, and which must not."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from floe.expr.command import CHOOSE, VALUE_PREFIX, CommandFault
from floe.expr.programs import CODE_VARIABLES
from floe.expr.substitute import named_vars
from floe.expr.variables import with_variables
from floe.model.template import Text


def env_values_of(entries: Iterable[Text], *, escapes: bool) -> Callable[[str], bool]:
    """A test by the entries of `env`: whether a variable holds a value of the run after them."""
    told: dict[str, bool] = {}

    def is_value(name: str) -> bool:
        return told.get(name, False) or name.startswith(VALUE_PREFIX)

    for entry in with_variables(entries).texts:
        name, _, text = entry.partition("=")
        told[name] = any(map(is_value, named_vars(text, escapes=escapes)))
    return is_value


def entry_faults(entries: Sequence[Text], *, escapes: bool) -> Iterator[CommandFault]:
    """Faults of entries of `env`: a value in a variable that programs read code from."""
    is_value = env_values_of(entries, escapes=escapes)
    known = with_variables(entries)
    for index, entry in enumerate(known.texts):
        name, _, text = entry.partition("=")
        found = next(filter(is_value, named_vars(text, escapes=escapes)), "")
        if found and name in CODE_VARIABLES:
            what = f"`{name}` decides which code programs run, and `${found}` is a value of the run"
            yield CommandFault(index, known.shown(what), CHOOSE)


def variable_name(name: str) -> str:
    """The variable of an entry for a field or output: `tag-name` is `TAG_NAME`."""
    return name.upper().replace("-", "_")
