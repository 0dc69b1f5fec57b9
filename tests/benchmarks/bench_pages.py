"""The processor time of each notebook's report on data/sample, of this checkout and of an earlier one beside it.

`--before PATH` names the earlier checkout; without it only ours is measured. Cold is a new process, imports and
drawing of tables and charts included. Warm is a fork of a process that has imported what the notebook imports, as
the press's reports are. Both sides take turns, each runs the cells of its own notebooks, and medians are shown.
Names of notebooks may be given to measure only those.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measure import ROOT, Row, publish, say

TARGETS = {"team_accountability": 2.5, "rep_accountability": 2.5, "client": 2.5, "segments": 2.5, "forecast": 1.7,
           "churn": 1.7, "quota_whatif": None}  # fmt: skip  # what a page is to cost less by, in times
RUNS = 3


def main() -> None:
    """Measure the notebooks that the command line names, and publish the table."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("notebooks", nargs="*", choices=[*TARGETS, []])
    asked.add_argument("--before", type=Path, help="folder of an earlier checkout")
    asked.add_argument("--cells", type=Path, help=argparse.SUPPRESS)  # a process that the benchmark started
    asked.add_argument("--forked", action="store_true", help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.cells:
        run(given.cells, forked=given.forked)
    else:
        publish("pages", compared(given.notebooks or list(TARGETS), given.before))


def compared(notebooks: list[str], before: Path | None) -> Iterator[Row]:
    """Measure each notebook cold and warm, both sides in turn."""
    sides = [ROOT, *([before.resolve()] if before else [])]
    for name in notebooks:
        for kind in ("cold", "warm"):
            spent = [[processor_seconds(side, name, kind == "warm") for side in sides] for _ in range(RUNS)]
            ours, *theirs = (statistics.median(side) for side in zip(*spent, strict=True))
            earlier, factor = next(iter(theirs), None), TARGETS[name]
            met = earlier / ours >= factor if earlier and factor else None
            yield Row(f"{name}, {kind}", ours, earlier, "CPU s", f"≥ {factor:g}× less" if factor else "–", met)


def processor_seconds(checkout: Path, name: str, forked: bool) -> float:
    """Return the processor seconds of one report by the code of a checkout, in a process of its own."""
    path = checkout / "notebooks" / f"{name}.ipynb"
    command = [sys.executable, __file__, "--cells", path, *(["--forked"] if forked else [])]
    done = subprocess.run(
        [*map(str, command)], env={**os.environ, "PYTHONPATH": str(checkout)}, cwd=path.parent, check=True,
        stdout=subprocess.PIPE,
    )  # fmt: skip  # one call
    return float(done.stdout.split()[-1])


def run(path: Path, *, forked: bool) -> None:
    """Run a notebook in this process or in a fork of it, and print the processor seconds."""
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    code = ["".join(cell["source"]) for cell in cells]
    if forked:
        from IPython.core.interactiveshell import InteractiveShell

        InteractiveShell.instance()
        exec("\n".join(cell for cell in code if cell.lstrip().startswith(("import ", "from "))), {})
    before = sum(os.times()[:4]) if forked else 0.0
    pid = os.fork()
    if pid == 0:
        show(code)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if status:
        raise RuntimeError(f"{path.name} failed")
    say(str(sum(os.times()[:4]) - before))


def show(code: list[str]) -> None:
    """Run cells as a kernel does, and write out what each shows."""
    from IPython.core.interactiveshell import InteractiveShell

    display, names = InteractiveShell.instance().display_formatter, dict[str, Any]()
    for cell in code:
        *before, last = ast.parse(cell).body
        exec(compile(ast.Module(before, []), "cell", "exec"), names)
        if isinstance(last, ast.Expr):
            display.format(eval(compile(ast.Expression(last.value), "cell", "eval"), names))
        else:
            exec(compile(ast.Module([last], []), "cell", "exec"), names)


if __name__ == "__main__":
    main()
