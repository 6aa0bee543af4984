"""What goes to evaluator processes."""

import json

from floe.evaluators.exchange import fact_of
from floe.model.nouns import replace
from tests.make_evaluators import a_log

[STORED] = a_log(colour="blue")


def test_fact_is_sent_as_it_is_stored() -> None:
    assert fact_of(STORED) == ("RunPended", STORED.record.body)


def test_sealed_fact_is_sent_open() -> None:
    sealed = replace(STORED, record=replace(STORED.record, body=b"sealed"))

    name, body = fact_of(sealed)

    assert (name, json.loads(body)["values"]) == ("RunPended", {"colour": "blue"})
