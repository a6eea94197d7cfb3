"""Sphinx settings; `make docs` builds."""

from enum import Enum

from sphinx.application import Sphinx

from kiwisms import __version__

project = "kiwisms"
author = "kiwisms contributors"
copyright = author
release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints = "description"

html_theme = "furo"
html_title = f"kiwisms {release}"


def setup(app: Sphinx) -> None:
    """
    Show docstrings of attributes as they are written, and every member of an enum.

    Napoleon would read the text before a colon in them as a type, so its changes are undone.
    """
    written: dict[str, list[str]] = {}

    def keep(
        _app: Sphinx, what: str, name: str, _of: object, _options: object, lines: list[str]
    ) -> None:
        if what in {"attribute", "data", "property"}:
            written[name] = list(lines)

    def restore(
        _app: Sphinx, _what: str, name: str, _of: object, _options: object, lines: list[str]
    ) -> None:
        lines[:] = written.pop(name, lines)

    def show(
        _app: Sphinx, _what: str, _name: str, member: object, _skip: object, _options: object
    ) -> bool | None:
        return False if isinstance(member, Enum) else None

    app.connect("autodoc-process-docstring", keep, priority=400)
    app.connect("autodoc-process-docstring", restore, priority=600)
    app.connect("autodoc-skip-member", show)
