"""Stripe's form encoding: ``metadata[order]=7`` and ``expand[]=customer`` (or ``expand[0]=``)."""

import re
from urllib.parse import parse_qsl


def parsed(text):
    """Parse the tree of parameters of a form or of a query string; all values are strings."""
    tree = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        path = [name.split("[", 1)[0], *re.findall(r"\[([^\]]*)\]", name)]
        _put(tree, path, value)
    return {name: _with_lists(value, name) for name, value in tree.items()}


def _put(node, path, value):
    for key in path[:-1]:
        following = node.setdefault(key or str(len(node)), {})
        node = following if isinstance(following, dict) else {}
    node[path[-1] or str(len(node))] = value


def _with_lists(node, name):
    """Turn hashes whose keys are all numbers into lists, but not metadata, whose keys are free."""
    if not isinstance(node, dict):
        return node
    if name != "metadata" and all(key.isdigit() for key in node):
        return [_with_lists(node[key], "") for key in sorted(node, key=int)]
    return {key: _with_lists(value, key) for key, value in node.items()}
