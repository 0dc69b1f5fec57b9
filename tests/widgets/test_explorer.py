"""The explorer's shell without a browser: controls are set as a browser sets them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import ipywidgets as ipw
import nbformat
import pytest
from customers import drawn, grouped
from nbclient import NotebookClient
from traitlets.config import Config

from salesops.errors import BookError
from salesops.models.segments import Stability, fit_grid
from salesops.widgets import SegmentExplorer, segment_explorer
from salesops.widgets.files import csv_text
from salesops.widgets.stability_meter import measure_apart

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def explorer(tmp_path: Path) -> Iterator[SegmentExplorer]:
    """An explorer of 300 customers that writes to a folder of its own."""
    made = segment_explorer(drawn(300), folder=tmp_path, plays=lambda rows: rows.segment)
    assert isinstance(made, SegmentExplorer)
    yield made
    made.close()


def test_controls_change_what_is_shown_in_place(explorer: SegmentExplorer) -> None:
    """A change of method or number shows other segments in the same widgets."""
    before = explorer.seen.sizes
    assert "champions" in before.value
    explorer.controls.method.value = "kmeans"
    explorer.controls.count.value = 3
    assert explorer.seen.sizes is before
    assert "KMeans, 3 segments" in before.value
    assert explorer.controls.segments.options == ("cluster 1", "cluster 2", "cluster 3")
    assert set(explorer.selection.segment) == {"cluster 1", "cluster 2", "cluster 3"}


def test_customers_without_a_rhythm_can_be_explored(tmp_path: Path) -> None:
    """Customers who all bought once have no gaps; the explorer offers what is known of them, and nothing else."""
    once = drawn(40).assign(frequency=0, monetary=float("nan"), median_gap=float("nan"), gap_spread=float("nan"))
    made = segment_explorer(once, folder=tmp_path)
    assert isinstance(made, SegmentExplorer)
    assert made.controls.features.value == ("days_since", "frequency", "total")
    made.controls.method.value = "kmeans"
    assert "KMeans, 4 segments" in made.seen.sizes.value
    made.close()


def test_controls_without_meaning_are_off(explorer: SegmentExplorer) -> None:
    """Features, number and test are for clusters; a grid has its own."""
    own = explorer.controls
    assert (own.count.disabled, own.features.disabled, own.test.disabled) == (True, True, True)
    own.method.value = "mixture"
    assert (own.count.disabled, own.features.disabled, own.test.disabled) == (False, False, False)


def test_mistake_is_said_and_changes_nothing(explorer: SegmentExplorer) -> None:
    """What cannot be done is said in words where a screen reader hears it; the segments stay."""
    explorer.controls.method.value = "kmeans"
    before = explorer.definition
    explorer.controls.features.value = ()
    assert 'role="status"' in explorer.seen.said.value
    assert "Clusters need at least one feature" in explorer.seen.said.value
    assert explorer.definition is before


def test_typed_limits_and_segments_select(explorer: SegmentExplorer) -> None:
    """The selection follows limits and segments that are set without a mouse, and "Select all" ends it."""
    own, table = explorer.controls, drawn(300)
    own.limits[1].value = "200"
    own.segments.value = ("champions",)
    champions = (fit_grid(table).assign(table).segment == "champions").to_numpy()
    wanted = table[(table.days_since <= 200).to_numpy() & champions]
    assert explorer.selection.account_id.tolist() == wanted.account_id.tolist()
    assert f"Selected: {len(wanted)} of 300 customers" in explorer.seen.counted.value
    assert f"Plays: champions {len(wanted)}." in explorer.seen.counted.value
    own.clear.click()
    assert len(explorer.selection) == 300
    assert [limit.value for limit in own.limits] == [""] * 4


def test_export_and_definition_are_written_and_said(explorer: SegmentExplorer, tmp_path: Path) -> None:
    """The buttons write what the selection and the definition are, and say the name of the file."""
    own = explorer.controls
    own.limits[0].value = "350"
    own.export.click()
    assert (tmp_path / "selection.csv").read_text(encoding="utf-8-sig") == csv_text(explorer.selection)
    assert f"{tmp_path / 'selection.csv'}" in explorer.seen.said.value
    own.method.value = "kmeans"
    segments = explorer.selection.segment.tolist()
    own.save.click()
    own.method.value = "rfm"
    own.load.click()
    assert own.method.value == "saved"
    assert explorer.selection.segment.tolist() == segments
    own.save.click()
    assert "is there already" in explorer.seen.said.value
    own.replace.value = True
    own.save.click()
    assert "Saved the definition" in explorer.seen.said.value


def test_names_are_never_markup() -> None:
    """A play or segment that holds markup is shown as text."""
    explorer = segment_explorer(drawn(30), plays=lambda rows: ["<img src=x>"] * 30)
    assert isinstance(explorer, SegmentExplorer)
    assert "&lt;img src=x&gt;" in explorer.seen.counted.value
    assert "<img" not in explorer.seen.counted.value
    explorer.close()


def test_stability_is_found_apart_and_shown() -> None:
    """Clusters that are there for everyone to see are called stable; the test runs in a thread of its own."""
    table, _ = grouped(120, 3)
    explorer = segment_explorer(table)
    assert isinstance(explorer, SegmentExplorer)
    explorer.controls.count.value = 3
    assert "Not tested yet" in explorer.seen.meter.value
    told: list[Stability | str] = []
    clusters = explorer.definition
    measure_apart(clusters, table, lambda _, found: told.append(found)).join()
    explorer._tested(clusters, told[0])
    assert isinstance(told[0], Stability)
    assert "<meter" in explorer.seen.meter.value
    assert told[0].verdict in explorer.seen.meter.value
    explorer.controls.count.value = 4  # other clusters: not tested yet
    assert "Not tested yet" in explorer.seen.meter.value
    explorer.close()


def test_no_customers_are_no_failure() -> None:
    """An empty table gives a sentence; a table with an account twice is refused."""
    shown = segment_explorer(drawn(5).head(0))
    assert isinstance(shown, ipw.HTML)
    assert "There are no customers to show" in shown.value
    with pytest.raises(BookError, match="more than once"):
        segment_explorer(drawn(5).assign(account_id="A1"))


def test_notebook_without_a_browser_runs_and_stays_small() -> None:
    """Without a front end the cell runs, and neither chart nor table nor their JavaScript is made."""
    source = (
        f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'tests' / 'support')!r}]\n"
        "from customers import drawn\nfrom salesops.widgets import segment_explorer\n"
        "explorer = segment_explorer(drawn(200))\nexplorer"
    )
    cells = [nbformat.v4.new_code_cell(source), nbformat.v4.new_code_cell("len(explorer.selection)")]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    with TemporaryDirectory() as folder:  # short, as the path of a socket must be
        # sockets of its own: the ports that kernels draw at the same time may be the same
        own = Config(KernelManager={"transport": "ipc", "connection_file": f"{folder}/kernel.json"})
        NotebookClient(book, timeout=120, config=own).execute()
    assert book.cells[1].outputs[0].data["text/plain"] == "200"
    assert "application/vnd.jupyter.widget-view+json" in book.cells[0].outputs[0].data
    assert len(nbformat.writes(book)) < 200_000  # the controls alone; the JavaScript would be ten times as much


def test_import_makes_no_bundle() -> None:
    """Importing the widgets runs nothing of vl-convert, which must not have run in a process that forks."""
    import subprocess

    code = "import sys, salesops.widgets, altair; sys.exit('vl_convert' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=120)
    assert done.returncode == 0
