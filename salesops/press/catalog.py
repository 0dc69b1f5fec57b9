"""The notebooks that there are: title, readers, parameters, and the tables that each needs.

A notebook says what it needs in its metadata, under `salesops`:
`{"audience": "manager", "tables": ["users"], "any_of": [["opportunities", "orders"]], "uses": ["quotas"],
"for_each": "rep", "watch": {"attainment": "percent"}}`. `tables` must all be there, of each list in `any_of` at
least one, `uses` may be missing. `watch` names the results to compare with the last run, each with its form.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from salesops.errors import PressError, did_you_mean
from salesops.press.compare import FORMS
from salesops.press.parameters import Parameter, read_parameters


@dataclass(frozen=True, kw_only=True)
class Notebook:
    """What a notebook says of itself.

    `for_each` is the parameter over which it can run for each, or "". `watch` names the results to compare with
    the last run, each with its form; empty means all numbers.
    """

    path: Path
    title: str
    audience: str = ""
    parameters: tuple[Parameter, ...] = ()
    tables: tuple[str, ...] = ()
    any_of: tuple[tuple[str, ...], ...] = ()
    uses: tuple[str, ...] = ()
    for_each: str = ""
    watch: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    def default(self, name: str) -> Any:
        """Return the default of a parameter, or None if the notebook has no such parameter."""
        return next((parameter.default for parameter in self.parameters if parameter.name == name), None)

    @property
    def reads(self) -> tuple[str, ...]:
        """Every table that the notebook may read, in the order in which it names them."""
        named = (*self.tables, *(name for group in self.any_of for name in group), *self.uses)
        return tuple(dict.fromkeys(named))

    def missing(self, has: Callable[[str], bool]) -> tuple[str, ...]:
        """Return what a book lacks to feed this notebook, as words: "users", "opportunities or orders"."""
        wanted = [*((name,) for name in self.tables), *self.any_of]
        return tuple(" or ".join(group) for group in wanted if not any(has(name) for name in group))


def notebooks(folder: Path) -> tuple[Notebook, ...]:
    """Return the notebooks in a folder by name. Raises PressError if one cannot be read."""
    return tuple(read_notebook(path) for path in sorted(folder.glob("[!_]*.ipynb")))


def find_notebook(name: str, folder: Path) -> Notebook:
    """Return the notebook with this path, or with this name in `folder`.

    Raises
    ------
    PressError
        If there is none; the message names the nearest.
    """
    path = Path(name)
    here = folder / (path.name if path.suffix == ".ipynb" else f"{path.name}.ipynb")
    try:
        if path.suffix == ".ipynb" and path.is_file():
            return read_notebook(path)
        if path.parent == Path() and here.is_file():
            return read_notebook(here)
    except OSError as error:  # a name that is too long, a folder that is closed
        raise PressError(f"There is no notebook '{name}' that can be read: {error.strerror}.") from None
    hint = did_you_mean(path.stem, [found.stem for found in folder.glob("[!_]*.ipynb")])
    raise PressError(f"There is no notebook '{name}'. {hint or 'Name a notebook by its path.'}")


def read_notebook(path: Path) -> Notebook:
    """Read what a notebook says of itself; nothing is run. Raises PressError if it is not a notebook."""
    cells, metadata = _content(path)
    try:
        notebook = _read(path, cells, metadata)
    except (AttributeError, TypeError, ValueError) as error:  # a part that is, say, a number in place of a list
        raise PressError(f"{path.name} is not as JupyterLab writes a notebook ({error}). Restore the file.") from None
    wrong = {name: form for name, form in notebook.watch.items() if form not in FORMS}
    if wrong:
        raise PressError(f"{path.name}: the form of a watched result must be one of {', '.join(FORMS)}. Got {wrong}.")
    if notebook.for_each and notebook.default(notebook.for_each) is None:
        raise PressError(f"{path.name} says that it runs for each '{notebook.for_each}', but has no such parameter.")
    return notebook


def _read(path: Path, cells: list[dict[str, Any]], metadata: dict[str, Any]) -> Notebook:
    for cell in cells:
        cell_text(cell).encode()  # half of a pair of surrogates is no text
    markdown = [cell_text(cell) for cell in cells if cell.get("cell_type") == "markdown"]
    headings = [line[2:].strip() for text in markdown for line in text.splitlines() if line.startswith("# ")]
    tagged = [cell for cell in cells if "parameters" in cell.get("metadata", {}).get("tags", ())]
    says = metadata.get("salesops", {})
    return Notebook(
        path=path.resolve(),
        title=headings[0] if headings else path.stem,
        audience=str(says.get("audience", "")),
        parameters=read_parameters(cell_text(tagged[0]), path.name) if tagged else (),
        tables=_names(says.get("tables", ())),
        any_of=tuple(_names(group) for group in says.get("any_of", ())),
        uses=_names(says.get("uses", ())),
        for_each=str(says.get("for_each", "")),
        watch=dict(says.get("watch", {})),
    )


def cell_text(cell: dict[str, Any]) -> str:
    """Return the source of a cell, which a file may hold as one text or in lines."""
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def _content(path: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PressError(f"{path.name} is not a notebook: it is not valid JSON ({error}). Restore the file.") from None
    except OSError as error:
        raise PressError(f"'{path}' cannot be read: {error.strerror}.") from None
    if not isinstance(content, dict) or content.get("nbformat") != 4 or not isinstance(content.get("cells"), list):
        raise PressError(f"{path.name} is not a notebook of format 4. Open and save it in JupyterLab.")
    return content["cells"], content.get("metadata", {})


def _names(listed: Any) -> tuple[str, ...]:
    if isinstance(listed, str) or not all(isinstance(name, str) for name in listed):
        raise TypeError(f"tables are listed like ['users'], and not like {listed!r}")
    return tuple(listed)
