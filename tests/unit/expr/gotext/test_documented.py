"""Functions of Go, sprig and uTask do what their documentation says."""

from pathlib import Path

import pytest

from floe.expr.errors import ExpressionError
from floe.expr.gotext.function_set import FUNCTIONS
from tests.go_templates import rendered

LINES = (Path(__file__).parents[3] / "data/utask/documented.txt").read_text().splitlines()
CASES = [line.partition(" => ") for line in LINES if " => " in line]

SPRIG = """
abbrev abbrevboth add add1 add1f addf adler32sum ago all any append atoi b32dec b32enc b64dec
b64enc base biggest camelcase cat ceil chunk clean coalesce compact concat contains date dateInZone
dateModify date_in_zone date_modify decryptAES deepCopy deepEqual default derivePassword dict dig
dir div divf duration durationRound empty encryptAES ext fail first float64 floor fromJson get has
hasKey hasPrefix hasSuffix hello htmlDate htmlDateInZone indent initial initials int int64 isAbs
join kebabcase keys kindIs kindOf last list lower max maxf merge mergeOverwrite min minf mod mul
mulf mustAppend mustChunk mustCompact mustDateModify mustDeepCopy mustFirst mustFromJson mustHas
mustInitial mustLast mustMerge mustMergeOverwrite mustPrepend mustPush mustRegexFind
mustRegexFindAll mustRegexMatch mustRegexReplaceAll mustRegexReplaceAllLiteral mustRegexSplit
mustRest mustReverse mustSlice mustToDate mustToJson mustToPrettyJson mustToRawJson mustUniq
mustWithout must_date_modify nindent nospace now omit osBase osClean osDir osExt osIsAbs pick pluck
plural prepend push quote randAlpha randAlphaNum randAscii randBytes randInt randNumeric regexFind
regexFindAll regexMatch regexQuoteMeta regexReplaceAll regexReplaceAllLiteral regexSplit repeat
replace rest reverse round semver semverCompare seq set sha1sum sha256sum sha512sum shuffle slice
snakecase sortAlpha split splitList splitn squote sub subf substr swapcase ternary title toDate
toDecimal toJson toPrettyJson toRawJson toString toStrings trim trimAll trimPrefix trimSuffix
trimall trunc tuple typeIs typeIsLike typeOf uniq unixEpoch unset until untilStep untitle upper
urlJoin urlParse uuidv4 values without wrap wrapWith
"""
GO = "and or not eq ne lt le gt ge len index print printf println html js urlquery call"
UTASK = "field fieldFrom eval evalCache uuid b64RawEnc b64RawDec jsonmarshal jsonfield"


@pytest.mark.parametrize(("text", "_", "wanted"), CASES, ids=[text for text, _, _ in CASES])
def test_template_renders_as_documented(text: str, _: str, wanted: str) -> None:
    if wanted == "ERR":
        with pytest.raises(ExpressionError):
            rendered(text)
    else:
        assert rendered(text).replace("\n", "\\n") == wanted


def test_functions_are_those_of_go_sprig_and_utask() -> None:
    assert FUNCTIONS.keys() == {*SPRIG.split(), *GO.split(), *UTASK.split()}


@pytest.mark.parametrize("name", ["env", "expandenv", "getHostByName", "genCA", "bcrypt"])
def test_function_that_is_left_out_is_unknown(name: str) -> None:
    with pytest.raises(ExpressionError, match="not defined"):
        rendered(f'{{{{{name} "HOME"}}}}')
