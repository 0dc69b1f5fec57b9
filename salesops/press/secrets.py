"""Secrets on their way into a notebook: through the environment of its process, never through a cell.

Whoever runs the press may give them the same way: a command line is seen by everyone on the machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import nbformat.v4 as v4
from nbformat import NotebookNode

from salesops.press.parameters import is_secret

_PREFIX = "SALESOPS_SECRET_"
_PARAMETERS = {"parameters", "injected-parameters"}


def given_in_environment(names: Iterable[str]) -> dict[str, str]:
    """Return the parameters among these that are secrets and stand in the environment as SALESOPS_SECRET_NAME."""
    return {name: os.environ[_PREFIX + name] for name in names if is_secret(name) and _PREFIX + name in os.environ}


def take_from_environment(notebook: NotebookNode, names: Iterable[str]) -> None:
    """Add a cell behind the parameters that takes secrets out of the environment; it holds their names alone."""
    takes = [f'{name} = __import__("os").environ.pop("{_PREFIX}{name}")' for name in names]
    if takes:
        cell = v4.new_code_cell("\n".join(takes), metadata={"tags": ["injected-parameters"]})  # type: ignore[no-untyped-call]  # nbformat annotates only some of its functions
        tags = [_PARAMETERS & set(cell.metadata.get("tags", ())) for cell in notebook.cells]
        notebook.cells.insert(max((place for place, found in enumerate(tags, start=1) if found), default=0), cell)


@contextmanager
def in_environment(secrets: Mapping[str, str]) -> Iterator[None]:
    """Hold secrets in the environment of this process, and so of a kernel that is started meanwhile."""
    os.environ.update({f"{_PREFIX}{name}": value for name, value in secrets.items()})
    try:
        yield
    finally:
        for name in secrets:
            os.environ.pop(f"{_PREFIX}{name}", None)
