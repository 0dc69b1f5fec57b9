"""The shape of a notebook: question first, literals as parameters, calls without logic, results last."""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("[!_]*.ipynb"))


def cells_of(path: Path, kind: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == kind]


def tagged(path: Path, tag: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in cells_of(path, "code") if tag in cell.metadata.get("tags", [])]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_shape(path: Path) -> None:
    """A notebook has 20 to 30 cells, 400 to 900 words of prose, and starts with its question."""
    prose = cells_of(path, "markdown")
    words = sum(len(cell.source.split()) for cell in prose)
    assert 20 <= len(nbformat.read(path, 4).cells) <= 30
    assert 400 <= words <= 900
    assert prose[0].source.startswith("# ")
    assert "?" in prose[0].source.splitlines()[0]
    assert any(cell.source.startswith("## Limits") for cell in prose)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_cells_call_and_do_not_define(path: Path) -> None:
    """Code cells hold at most 8 lines, those of parameters a line for each; no def, class or loop."""
    logic = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.Lambda)
    for cell in cells_of(path, "code"):
        assert len(cell.source.splitlines()) <= 8 or "parameters" in cell.metadata.get("tags", []), cell.source
        assert not any(isinstance(node, logic) for node in ast.walk(ast.parse(cell.source))), cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_one_parameters_and_one_results_cell(path: Path) -> None:
    """There is one cell of parameters, all annotated literals with help, and one of results, the last."""
    (parameters,) = tagged(path, "parameters")
    (results,) = tagged(path, "results")
    assert cells_of(path, "code")[-1].source == results.source
    for line, node in zip(parameters.source.splitlines(), ast.parse(parameters.source).body, strict=True):
        assert isinstance(node, ast.AnnAssign)
        assert node.value is not None
        ast.literal_eval(node.value)
        comment = line.partition("#")[2]
        assert comment.strip()
        assert "=" not in comment


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_committed_executed_on_the_sample(path: Path) -> None:
    """Every code cell was run in order, and none failed, so a reader sees the notebook's answers."""
    counts = [cell.execution_count for cell in cells_of(path, "code")]
    assert counts == list(range(1, len(counts) + 1))
    outputs = [output for cell in cells_of(path, "code") for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert not any("tmp" in str(output) and "salesops" in str(output) for output in outputs)
