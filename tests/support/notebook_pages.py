"""The page of a notebook, made in this process: quicker than a run, and as true to what the notebook shows."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

from IPython.display import JSON

from salesops.views.blocks import Block

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def page_of(name: str, book: Path, **parameters: Any) -> tuple[str, dict[str, Any]]:
    """Return what the cells of a notebook show, as plain text, and its results.

    Blocks that are absent for want of data are left out, as a page leaves them out; charts give title and description.
    """
    cells = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {}
    shown: list[str] = []
    results: dict[str, Any] = {}
    for cell in cells:
        tags = cell["metadata"].get("tags", [])
        if cell["cell_type"] != "code" or "remove" in tags:
            continue
        found = _last("".join(cell["source"]), names)
        if "parameters" in tags:
            names |= {"book": str(book), **parameters}
        elif "results" in tags and isinstance(found, JSON):
            results = json.loads(json.dumps(found.data, allow_nan=False))
        elif isinstance(found, Block):
            shown += [] if 'class="note absent"' in found.html else [found.text]
        elif found is not None:
            shown += [str(getattr(found, part, "")) for part in ("title", "description")]
    return "\n".join(shown).replace("\N{NO-BREAK SPACE}", " "), results


def _last(source: str, names: dict[str, Any]) -> Any:
    """Run a cell and return the value of its last line, if that is an expression."""
    tree = ast.parse(source)
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        exec(compile(tree, "cell", "exec"), names)
        return None
    tree.body.pop()
    exec(compile(tree, "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)
