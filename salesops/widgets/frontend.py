"""What the browser draws with, all of it from this machine: the chart, the table, and a bell for the first look.

Without a front end (papermill, the press, nbconvert) nothing rings, and neither chart nor table is made: a run
costs no JavaScript, and the notebook stays small.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import altair as alt
import anywidget
import pandas as pd
from itables.widget import ITable

from salesops.files import write_whole
from salesops.widgets.segmentation import FEATURES

PAGE = 10


class Bell(anywidget.AnyWidget):
    """Invisible; rings in the kernel each time a browser shows it.

    It also takes the keys of the explorer from JupyterLab, whose arrows go from cell to cell: here they choose.
    """

    _esm = """
    function render({ model, el }) {
        el.style.display = "none";
        model.send("shown");
        requestAnimationFrame(() => el.closest(".segment-explorer")?.addEventListener("focusin", event =>
            event.target.setAttribute("data-lm-suppress-shortcuts", "true")));
    }
    export default { render };
    """

    def __init__(self, rung: Callable[[], None]) -> None:
        super().__init__()
        self.on_msg(lambda _widget, content, _buffers: rung() if content == "shown" else None)


def live_chart(chart: alt.LayerChart) -> Any:
    """Return a chart that can be changed in place and tells of its brush, without a request to anywhere."""
    options = {"actions": False, "renderer": "canvas"}
    return _chart_class()(chart, debounce_wait=80, embed_options=options)


def live_table(table: pd.DataFrame) -> ITable:
    """Return a table that can be sorted, searched, paged and changed in place.

    Every cell is text as people read it. Names are never markup; figures stand right and are sorted as numbers.
    """
    return ITable(table, **_table_options(table))


def change_table(shown: ITable, table: pd.DataFrame) -> None:
    """Show another table in its place."""
    shown.update(table, **_table_options(table))


def _table_options(table: pd.DataFrame) -> Any:
    figures = [place for place, title in enumerate(table.columns) if title in FEATURES.values()]
    return {
        "showIndex": False,
        "allow_html": False,
        "maxBytes": 0,
        "pageLength": PAGE,
        "lengthMenu": [PAGE, 25, 100],
        "order": [],
        "classes": "display compact",
        "style": "width:100%;margin:0",
        "columnDefs": [{"targets": figures, "className": "dt-right", "type": "num-fmt"}],
    }


@functools.cache
def _chart_class() -> Any:
    """Return Altair's chart widget with its JavaScript inside.

    To bundle it takes vl-convert seconds, the first time on a machine; then it lies in the cache of the person.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    kept = home / "salesops" / f"chart-{version('altair')}-{version('vl-convert-python')}.js"
    try:
        bundle = kept.read_text(encoding="utf-8")
    except OSError:
        online: Any = alt.JupyterChart
        online.enable_offline()
        bundle = str(online._esm)
        _keep(bundle, kept)
    return type("OfflineChart", (alt.JupyterChart,), {"_esm": bundle, "__module__": __name__})


def _keep(text: str, path: Path) -> None:
    with suppress(OSError):  # without a cache the next kernel bundles again
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)
