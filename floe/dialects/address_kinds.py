"""Kinds of value that are addresses: the URL of a host, and networks."""

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from floe.dialects.kinds import Schema, Text, Unfit, quoted
from floe.dialects.notes import Notes
from floe.dialects.tree import Tree
from floe.model.nouns import dataclass


@dataclass(frozen=True)
class HostUrl:
    """Kind of address: the URL of a floe host, with scheme, name and port, and maybe a path."""

    label: str = "string"

    def read(self, tree: Tree, key: str, notes: Notes) -> str:
        text = Text(_HOST_URL, "http://host:port").read(tree, key, notes)
        if fault := url_fault(text):
            raise Unfit(tree.at, f"`{key}` cannot be {quoted(text)}: {fault}", "http://host:port")
        return text

    def schema(self) -> Schema:
        return Text(_HOST_URL).schema()


@dataclass(frozen=True)
class Network:
    """Kind of address: an IP address, or a network of them."""

    label: str = "string"

    def read(self, tree: Tree, key: str, notes: Notes) -> str:
        text = Text().read(tree, key, notes)
        hint = "an address or a network, such as 127.0.0.1 or 10.0.0.0/24"
        try:
            address = ipaddress.ip_interface(text)
        except ValueError:
            raise Unfit(tree.at, f"`{key}` cannot be {quoted(text)}", hint) from None
        network = address.network
        if address.ip != network.network_address:
            what = f"`{key}` cannot be {quoted(text)}: its network begins at {network}"
            raise Unfit(tree.at, what, hint)
        if not network.prefixlen:
            raise Unfit(tree.at, f"`{key}` cannot be {quoted(text)}: it covers every address", hint)
        return text

    def schema(self) -> Schema:
        return Text().schema()


_HOST_URL: Final = r"https?://[^\s/]+(/\S*)?"


def url_fault(text: str) -> str:
    """What is wrong with the address of a host, a URL; empty if nothing is."""
    if not re.fullmatch(_HOST_URL, text):
        return "it is not an http:// or https:// URL"
    try:
        there = urlsplit(text)
        name, port = there.hostname, there.port
    except ValueError:
        return "its host or port is not valid"
    if not name or port == 0:
        return "its host or port is not valid"
    if there.username is not None or there.password is not None:
        return "hosts use the cluster's token, so remove the user and password"
    if there.query or there.fragment:
        return "a query or fragment is not allowed"
    return ""
