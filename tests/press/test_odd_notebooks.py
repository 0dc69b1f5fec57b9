"""Notebooks that no editor writes, and outputs that no library should give: one of them never harms the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import nbformat.v4 as v4
import pytest
from written_notebooks import outcomes, partial, planned, write_notebook

from salesops.press.plan import Report
from salesops.press.run import Engine

ENGINES = pytest.mark.parametrize("engine", ["warm", "stock"])
OUTPUTS = {
    "html_number": "display({'text/html': 5}, raw=True)",
    "no_text": "display({'text/plain': None}, raw=True)",
    "chart_number": "display({'application/vnd.vegalite.v5+json': 5}, raw=True)",
    "surrogate": "print('x\\ud800')\nraise ValueError('\\ud800')",
}


def broken(folder: Path, name: str, **changes: Any) -> Report:
    """Plan a report, and spoil its notebook before it runs."""
    report = planned(write_notebook(folder / f"{name}.ipynb", "1"))
    report.notebook.write_text(json.dumps({**json.loads(report.notebook.read_text()), **changes}), encoding="utf-8")
    return report


@ENGINES
def test_a_spoilt_notebook_fails_alone(tmp_path: Path, engine: Engine) -> None:
    """Sources, cells and metadata of a wrong kind are failures told in a sentence; the report beside them is made."""
    good = planned(write_notebook(tmp_path / "good.ipynb", "print('fine')"))
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": "1", "outputs": [], "execution_count": None}
    spoilt = {
        "source_null": {"cells": [{**cell, "source": None}]},
        "source_numbers": {"cells": [{**cell, "source": [1, 2]}]},
        "kind": {"cells": [{**cell, "cell_type": "weird"}]},
        "number": {"cells": [{**cell, "id": 5}]},
        "kernel": {"metadata": {"kernelspec": 5}},
        "no_cells": {"cells": 5},
    }
    made = outcomes([*(broken(tmp_path, n, **c) for n, c in spoilt.items()), good], tmp_path / "site", engine=engine)
    assert {name: outcome.status for name, outcome in made.items()} == {**dict.fromkeys(spoilt, "failed"), "good": "ok"}
    assert made["kind"].error.startswith("kind.ipynb is not as JupyterLab writes a notebook: ")
    assert all((tmp_path / "site" / outcome.path).is_file() for outcome in made.values())


@ENGINES
def test_an_output_that_nothing_can_show_is_a_failure_with_a_page(tmp_path: Path, engine: Engine) -> None:
    """Even the page of a failure cannot show such an output: it shows the failure, and the process does not die."""
    written = [write_notebook(tmp_path / f"{n}.ipynb", "print('before')", cell) for n, cell in OUTPUTS.items()]
    made = outcomes([planned(path) for path in written], tmp_path / "site", engine=engine)
    assert {name: outcome.status for name, outcome in made.items()} == dict.fromkeys(OUTPUTS, "failed")
    for outcome in made.values():
        assert "stopped with an error" in (tmp_path / "site" / outcome.path).read_text(encoding="utf-8")
        assert partial(tmp_path / "site", outcome)[0]["text"] == "before\n"


def test_a_notebook_without_cells_is_a_page(tmp_path: Path) -> None:
    """Nothing to run is nothing to fail."""
    nbformat.write(v4.new_notebook(), tmp_path / "empty.ipynb")
    assert outcomes([planned(tmp_path / "empty.ipynb")], tmp_path / "site", engine="warm")["empty"].status == "ok"
