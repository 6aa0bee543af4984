"""All functions of a uTask template by their names."""

from collections.abc import Mapping
from typing import Final

from floe.expr.gotext.calls import Function
from floe.expr.gotext.chance_functions import CHANCE
from floe.expr.gotext.comparisons import GO
from floe.expr.gotext.date_functions import DATES
from floe.expr.gotext.encoding_functions import ENCODINGS
from floe.expr.gotext.list_functions import LISTS
from floe.expr.gotext.map_functions import MAPS
from floe.expr.gotext.number_functions import NUMBERS
from floe.expr.gotext.path_functions import PATHS
from floe.expr.gotext.pattern_functions import PATTERNS
from floe.expr.gotext.text_functions import TEXTS
from floe.expr.gotext.versions import VERSIONS
from floe.expr.gotext.word_functions import WORDS

FUNCTIONS: Final[Mapping[str, Function]] = {
    **GO,
    **TEXTS,
    **WORDS,
    **LISTS,
    **MAPS,
    **NUMBERS,
    **DATES,
    **ENCODINGS,
    **PATHS,
    **PATTERNS,
    **VERSIONS,
    **CHANCE,
}
"""Go's own, sprig's and uTask's, which come last and win."""
