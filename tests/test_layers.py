"""The direction of imports, and notebooks without logic."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
_GROUND = {"errors", "periods", "words", "files"}
MAY_IMPORT = {
    "errors": set[str](),
    "periods": {"errors"},
    "words": {"periods"},
    "files": {"errors"},
    "book": {"book", *_GROUND},
    "intake": {"intake", "book", *_GROUND},
    "sample": {"sample", "book", *_GROUND},
    "metrics": {"book", *_GROUND},  # not metrics: a metric stands on the book, never on another metric
    "models": {"models", "metrics", "book", *_GROUND},
    "views": {"views", "book", *_GROUND},  # what every page is made of knows no model
    "pages": {"pages", "views", "models", "metrics", "book", *_GROUND},  # its own folder of pages: tested below
    "widgets": {"widgets", "pages", "views", "models", "metrics", "book", *_GROUND},
    "press": {"press", *_GROUND},
    "cli": {"cli", "press", "intake", "sample", "book", *_GROUND},
}


def breaches(root: Path) -> list[str]:
    """Return each import below root/salesops that the layers forbid, as "file: from → to"."""
    found = []
    for path in sorted((root / "salesops").rglob("*.py")):
        parts = path.relative_to(root / "salesops").with_suffix("").parts
        layer = parts[0]
        if layer == "__init__":  # the face names what notebooks need
            continue
        allowed = MAY_IMPORT.get(layer, set())
        found += [f"{'/'.join(parts)}: {layer} → {target}" for target in _imported(path, root) if target not in allowed]
    return found


def _imported(path: Path, root: Path) -> Iterator[str]:
    """Return the layers that a module imports, wherever in it, also under TYPE_CHECKING or in a function."""
    package = path.relative_to(root).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            names = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "salesops":
                yield parts[1] if len(parts) > 1 else "salesops"


def test_imports_run_one_way() -> None:
    """Data walks one way: book ← intake, sample, metrics ← models ← pages ← widgets; views and press know no model."""
    assert breaches(ROOT) == []


@pytest.mark.parametrize(
    ("module", "code", "breach"),
    [
        ("book/planted.py", "from salesops.metrics.deals import win_rate", "book → metrics"),
        ("metrics/planted.py", "from salesops.metrics import deals", "metrics → metrics"),
        ("metrics/planted.py", "from . import deals", "metrics → metrics"),
        ("metrics/planted.py", "from ..views import charts", "metrics → views"),
        ("models/planted.py", "def f():\n    import salesops.views.charts", "models → views"),
        ("views/planted.py", "from salesops.models.silence import ended", "views → models"),
        ("book/planted.py", "from salesops.intake import run", "book → intake"),
        ("press/planted.py", "from salesops import book", "press → book"),
        ("press/planted.py", "import salesops", "press → salesops"),
        ("press/deep/planted.py", "from ...metrics.deals import win_rate", "press → metrics"),
        ("cli.py", "from salesops.metrics.deals import win_rate", "cli → metrics"),
        ("periods.py", "from salesops.book.source import open_book", "periods → book"),
        ("newcomer.py", "from salesops.errors import BookError", "newcomer → errors"),
    ],
)
def test_planted_breach_is_found(tmp_path: Path, module: str, code: str, breach: str) -> None:
    """The walk finds an import against the direction, however it is written."""
    path = tmp_path / "salesops" / module
    path.parent.mkdir(parents=True)
    path.write_text(code, encoding="utf-8")
    assert breaches(tmp_path) == [f"{module.removesuffix('.py')}: {breach}"]


def test_allowed_imports_are_no_breach(tmp_path: Path) -> None:
    """Imports along the direction, and of other packages, are left in peace."""
    path = tmp_path / "salesops" / "pages" / "page.py"
    path.parent.mkdir(parents=True)
    code = "import json\nfrom salesops.metrics.deals import win_rate\nfrom . import charts\n"
    path.write_text(code, encoding="utf-8")
    assert breaches(tmp_path) == []


def pages_of(text: str) -> set[str]:
    """Return the folders of salesops.pages that a text imports."""
    found = re.findall(r"from salesops\.pages(?:\.(\w+))?", text)
    return set(found)


def test_no_page_imports_another() -> None:
    """What two pages need is a model or a view: each folder of pages imports only its own."""
    for path in (ROOT / "salesops" / "pages").glob("*/*.py"):
        assert pages_of(path.read_text(encoding="utf-8")) <= {path.parent.name}, path


def test_each_notebook_has_one_folder_of_pages() -> None:
    """A notebook imports exactly one folder of pages, and each folder serves one notebook."""
    served = []
    for path in sorted((ROOT / "notebooks").glob("[!_]*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        folders = pages_of(code)
        assert len(folders) == 1, f"{path.name} imports {folders}"
        served += folders
    assert sorted(served) == sorted(path.parent.name for path in (ROOT / "salesops" / "pages").glob("*/__init__.py"))


def definitions(notebook: Path) -> list[str]:
    """Return the names of functions and classes that a notebook defines."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    sources = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    trees = (ast.parse(source) for source in sources)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [node.name for tree in trees for node in ast.walk(tree) if isinstance(node, kinds)]


def test_notebooks_define_nothing() -> None:
    """A notebook is prose and calls: it holds no function and no class."""
    found = {path.name: definitions(path) for path in (ROOT / "notebooks").rglob("*.ipynb")}
    assert {name: names for name, names in found.items() if names} == {}


def test_planted_definition_is_found(tmp_path: Path) -> None:
    """A function or class in a code cell is found; the word "def" in prose is not."""
    cells = [
        {"cell_type": "markdown", "source": ["def is a word"]},
        {"cell_type": "code", "source": ["x = 1\n", "def double(n):\n", "    return 2 * n\n"]},
        {"cell_type": "code", "source": "class Box: pass"},
    ]
    path = tmp_path / "planted.ipynb"
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    assert definitions(path) == ["double", "Box"]
