"""What the core may import, read from its source; setup.cfg says who may import whom."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pytest

PACKAGE: Final = Path(__file__).parents[2] / "kiwisms"

PURE: Final = frozenset(
    {
        "attrs",
        "base64",
        "binascii",
        "collections",
        "collections.abc",
        "decimal",
        "datetime",
        "enum",
        "fractions",
        "functools",
        "hashlib",
        "hmac",
        "itertools",
        "json",
        "math",
        "operator",
        "re",
        "string",
        "types",
        "typing",
        "unicodedata",
        "urllib.parse",
        "uuid",
    }
)
"""Attrs, and the part of the standard library that has no clock, no chance and no I/O."""

ALLOWED: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "domain": PURE | {"kiwisms.domain"},
        "ports": PURE | {"contextlib", "kiwisms.domain", "kiwisms.ports"},
        "application": PURE
        | {"asyncio", "contextlib", "logging", "weakref"}
        | {"kiwisms.application", "kiwisms.domain", "kiwisms.ports"},
    }
)

IMPURE_METHODS: Final = frozenset(
    {"now", "today", "utcnow", "getnode", "uuid1", "uuid4", "uuid6", "uuid7"}
)
IMPURE_BUILTINS: Final = frozenset({"__import__", "eval", "exec", "input", "open", "print"})
"""With the methods above, all that even the pure modules offer of clocks, chance and I/O."""


def imports(source: str) -> Iterator[str]:
    """Yield the modules that *source* imports, wherever in it, by their full names."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def impurities(source: str) -> Iterator[str]:
    """Yield the names in *source* that tell the time, throw dice or touch the outside."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in IMPURE_METHODS:
            yield node.attr
        elif isinstance(node, ast.Name) and node.id in IMPURE_BUILTINS:
            yield node.id


def is_allowed(module: str, allowed: frozenset[str]) -> bool:
    """Whether *module* is in *allowed*, or in a package of ours or of attrs that is."""
    packages = tuple(f"{name}." for name in allowed if name.startswith(("attrs", "kiwisms")))
    return module in allowed or module.startswith(packages)


def sources(layer: str) -> list[Path]:
    """List the layer's files; there always are some, or the tests below would prove nothing."""
    return sorted((PACKAGE / layer).rglob("*.py"))


@pytest.mark.parametrize("layer", ALLOWED)
def test_a_layer_of_the_core_imports_only_what_is_listed(layer: str) -> None:
    strangers = [
        f"{path.relative_to(PACKAGE)}: {module}"
        for path in sources(layer)
        for module in imports(path.read_text("utf-8"))
        if not is_allowed(module, ALLOWED[layer])
    ]

    assert len(sources(layer)) > 1
    assert strangers == []


def test_the_domain_has_no_clock_no_chance_and_no_io() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}: {name}"
        for path in sources("domain")
        for name in impurities(path.read_text("utf-8"))
    ]

    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "import time",
        "import os.path",
        "from urllib import request",
        "from . import rental",
        "def f():\n    import asyncio",
        "import attrsx",
        "from kiwisms import open",
        "from kiwisms.ports.store import Store",
    ],
)
def test_a_stranger_in_the_domain_is_seen(line: str) -> None:
    assert not all(is_allowed(module, ALLOWED["domain"]) for module in imports(line))


@pytest.mark.parametrize(
    "line", ["datetime.now(UTC)", "uuid.uuid4()", "open(path)", "date.today()", "print(1)"]
)
def test_an_impure_call_in_the_domain_is_seen(line: str) -> None:
    assert list(impurities(line))
