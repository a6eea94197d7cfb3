"""``/openapi.json``: the contract as it was given, and what this product adds to it."""

from importlib.resources import files
from typing import Any, Final

import orjson

Json = dict[str, Any]


def _read(name: str) -> Json:
    document: Json = orjson.loads(files(__package__).joinpath(name).read_bytes())
    return document


CONTRACT: Final = _read("contract.json")
"""The contract as it was given, unchanged."""
ADDITIONS: Final = _read("additions.json")
"""What the product does beyond the contract, as a document of the same structure."""
HOW_TO_GET_A_KEY: Final = (
    "Create an API key in the dashboard (`/dashboard/api-keys`).",
    "The operator of this service issues API keys.",
)
"""The contract's sentence, and its replacement: there is no dashboard."""


def served_contract(base_url: str) -> bytes:
    """
    Make the document for one deployment.

    Args:
        base_url: Where customers reach it; this becomes the only one of ``servers``.
    """
    served = merged(CONTRACT, ADDITIONS)
    info = {**served["info"]}
    info["description"] = info["description"].replace(*HOW_TO_GET_A_KEY)
    servers = [{"url": base_url, "description": "Current deployment"}]
    return orjson.dumps({**served, "info": info, "servers": servers})


def merged(facts: Json, additions: Json) -> Json:
    """
    Add to a document without changing a fact in it; lists are joined.

    Raises:
        ValueError: An addition contradicts the document.

    >>> merged({"a": {"b": 1}, "tags": ["x"]}, {"a": {"c": 2}, "tags": ["y"]})
    {'a': {'b': 1, 'c': 2}, 'tags': ['x', 'y']}
    """
    result = dict(facts)
    for name, added in additions.items():
        known = facts.get(name)
        if name not in facts:
            result[name] = added
        elif isinstance(known, dict) and isinstance(added, dict):
            result[name] = merged(known, added)
        elif isinstance(known, list) and isinstance(added, list):
            result[name] = known + added
        else:
            raise ValueError(f"{name} is {known!r} in the contract, and cannot become {added!r}")
    return result
