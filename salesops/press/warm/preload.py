"""What the parent imports: what the notebooks import, and what the first report of each was found to need."""

from __future__ import annotations

import ast
import contextlib
import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from salesops.press.catalog import cell_text


def imported_by(notebooks: Iterable[Path]) -> list[str]:
    """Return the names of the modules that notebooks import, without those that lie beside a notebook.

    Code that is not plain Python (magics, a broken file) is passed over: its report imports for itself.
    """
    names = [name for path in notebooks for source in _cells(path) for name in _imports(source)]
    return [name for name in dict.fromkeys(names) if _is_installed(name)]


def import_all(names: Sequence[str], *, avoid: frozenset[str]) -> Sequence[str]:
    """Import modules. When one starts a thread, return it and those after it; else ().

    A process with threads must not fork: what a thread holds at that moment stays locked in the child. What
    cannot be imported is left to the notebook that wants it.
    """
    capped = False
    for place, name in enumerate(names):
        if name in avoid or name in sys.modules:
            continue
        with contextlib.suppress(BaseException):  # a module may do anything at import, also raise SystemExit
            importlib.import_module(name)
        if "duckdb" in sys.modules and not capped:
            sys.modules["duckdb"].execute("SET threads = 1")  # its default connection has one for each processor
            capped = True
        if threads() > 1:
            return names[place:]
    return ()


def threads() -> int:
    """Return how many threads of this process run, those of libraries included."""
    return len(list(Path("/proc/self/task").iterdir()))


Stamps = dict[str, tuple[int, int]]


def stamp_loaded(stamps: Stamps) -> None:
    """Note time and size of the file of each module that is loaded and not yet noted."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and file not in stamps:
            stamps[file] = _stamp(file)


def any_changed(stamps: Stamps) -> bool:
    """Tell whether a file of loaded code is no longer what it was when it was noted."""
    return any(_stamp(file) != stamp for file, stamp in stamps.items())


def new_modules(before: set[str], folder: Path) -> list[str]:
    """Return the modules that were imported since `before`, in that order, without those below a notebook's folder."""
    own = f"{folder}{os.sep}"
    names = [name for name in list(sys.modules) if name not in before and name != "__main__"]
    return [name for name in names if not str(getattr(sys.modules[name], "__file__", "")).startswith(own)]


def _cells(path: Path) -> Iterator[str]:
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        for cell in json.loads(path.read_text(encoding="utf-8-sig"))["cells"]:
            if cell.get("cell_type") == "code":
                yield cell_text(cell)


def _imports(source: str) -> Iterator[str]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_installed(name: str) -> bool:
    """Tell whether this process, which looks in no notebook's folder, finds a module's package."""
    with contextlib.suppress(ImportError, ValueError):
        return importlib.util.find_spec(name.partition(".")[0]) is not None  # more would import the package
    return False


def _stamp(file: str) -> tuple[int, int]:
    try:
        status = os.stat(file)  # noqa: PTH116  # a Path keeps its parts as interned strings, and the parent would grow
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size
