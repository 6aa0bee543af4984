"""Secrets as JSON: names and their flows, never values."""

from dataclasses import replace

from floe.model.ids import FlowId
from floe.model.secret_name import SecretName
from floe.nodes.base import ShownSecret
from floe.shapes.secrets import secrets_shape
from tests.make import a_flow

TOKEN, KEY = SecretName("NPM_TOKEN"), SecretName("DEPLOY_KEY")


def test_secret_names_the_flows_that_name_it_and_what_is_missing() -> None:
    flow = replace(a_flow(), id=FlowId("ship"), secrets=(TOKEN, KEY))

    shape = secrets_shape([ShownSecret(name=TOKEN, source="vault")], [flow])

    assert [(one["name"], one["flows"]) for one in shape["secrets"]] == [("NPM_TOKEN", ["ship"])]
    assert shape["missing"] == [{"name": "DEPLOY_KEY", "flows": ["ship"]}]
