"""What `salesops list` tells about the notebooks."""

from __future__ import annotations

from pathlib import Path

from salesops.cli.outside import tell
from salesops.cli.text import columns
from salesops.errors import PressError
from salesops.press.catalog import Notebook, notebooks


def tell_notebooks(folder: Path) -> None:
    """Print what each notebook in a folder asks, for whom, and what it needs."""
    listed = notebooks(folder)
    if not listed:
        raise PressError(
            f"There are no notebooks in '{folder}'. Run from the checkout, or name a notebook by its path."
        )
    first, *others = map(_description, listed)
    tell(*first, *(line for described in others for line in ("", *described)))


def _description(notebook: Notebook) -> list[str]:
    groups = [" or ".join(group) for group in notebook.any_of]
    facts = [
        ("for", notebook.audience),
        ("one for each", notebook.for_each),
        ("needs", ", ".join([*notebook.tables, *groups])),
        ("uses", ", ".join(notebook.uses)),
    ]
    parameters = [(f"{p.name}: {p.type} = {p.default!r}", p.help) for p in notebook.parameters]
    lines = [notebook.name, f"  {notebook.title}", *columns([fact for fact in facts if fact[1]])]
    return [*lines, "  parameters", *(f"  {line}" for line in columns(parameters))] if parameters else lines
