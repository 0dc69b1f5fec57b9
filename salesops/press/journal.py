"""What a notebook had shown when its process died, put back into the notebook."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbformat import NotebookNode


def replay(journal: Path, notebook: NotebookNode) -> None:
    """Give each cell the outputs that the journal notes, as the client of a living kernel would."""
    client = NotebookClient(notebook)
    cell, index = None, 0
    for line in _lines(journal):
        if "cell" in line:
            index = line["cell"]
            cell = notebook.cells[index]
            cell.outputs = []
            client.clear_before_next_output = False
            cell.metadata.setdefault("papermill", {})["start_time"] = line["at"]
        elif cell is not None:
            message = {"msg_type": line["kind"], "header": {"msg_type": line["kind"]}, "parent_header": {}}
            client.process_message({**message, "content": line["content"]}, cell, index)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield what is noted; the last line may be torn."""
    if not path.exists():
        return
    for line in path.read_bytes().split(b"\n"):
        with contextlib.suppress(ValueError):
            yield json.loads(line)
