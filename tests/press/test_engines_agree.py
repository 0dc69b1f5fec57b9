"""A notebook shows the same under the warm engine and under a kernel of Jupyter's own, cell by cell."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from written_notebooks import outcomes, planned, write_notebook

from salesops.cli.asking import prepare
from salesops.press.plan import Outcome
from salesops.press.run import Engine
from salesops.press.settings import Wanted

ROOT = Path(__file__).resolve().parents[2]
TRICKY = ROOT / "tests" / "notebooks" / "tricky.ipynb"
CELLS = [cell["id"] for cell in json.loads(TRICKY.read_text(encoding="utf-8"))["cells"]][1:]
WARNS = ("json",)
SHIPPED = ("team_accountability", "rep_accountability")
VARIES = [
    (re.compile(r"0x[0-9a-f]+"), "0x"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "id"),
    (re.compile(re.escape(tempfile.gettempdir()) + r"/ipykernel_\d+/\d+\.py"), "cell.py"),
    (re.compile(r"[\d.?]+(it/s|s/it)"), "rate"),
]


def told(cell: dict[str, Any]) -> Any:
    """Return what a cell shows, without what differs between any two runs."""
    shown = {"outputs": joined(cell["outputs"]), "execution_count": cell["execution_count"]}
    text = json.dumps(shown, sort_keys=True, ensure_ascii=False)
    for varies, same in VARIES:
        text = varies.sub(same, text)
    return json.loads(text)


def at_rest(cell: dict[str, Any]) -> dict[str, Any]:
    """Return what a cell shows with its streams before the rest: a warning about an output may come after it."""
    return {**cell, "outputs": sorted(cell["outputs"], key=lambda output: output["output_type"] != "stream")}


def joined(outputs: list[Any]) -> list[Any]:
    """Put together what follows on one stream: a kernel cuts it by time."""
    whole: list[Any] = []
    for output in outputs:
        if output["output_type"] == "stream":
            output["text"] = "".join(output["text"])
        if whole and output["output_type"] == "stream" and output.get("name") == whole[-1].get("name"):
            whole[-1]["text"] += output["text"]
        else:
            whole.append(output)
    return whole


@pytest.fixture(scope="module")
def tricky(tmp_path_factory: pytest.TempPathFactory) -> dict[Engine, dict[str, Any]]:
    """What each cell shows under each engine. The last cell fails, so that the notebook itself is kept."""
    out = tmp_path_factory.mktemp("tricky")
    engines: tuple[Engine, ...] = ("warm", "stock")
    shown = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTEST_CURRENT_TEST")  # where ipykernel sees it, it does not catch what a subprocess prints
        for engine in engines:
            made = outcomes([planned(TRICKY)], out / engine, engine=engine)["tricky"]
            assert made.error == f"SystemExit: 3 (cell {len(CELLS) + 1})"
            notebook = json.loads((out / engine / made.path).with_suffix(".ipynb").read_text(encoding="utf-8"))
            shown[engine] = {cell["id"]: told(cell) for cell in notebook["cells"] if cell["cell_type"] == "code"}
            shown[engine]["notebook"] = notebook["metadata"]["language_info"]
    return shown


@pytest.mark.parametrize("name", [*CELLS, "notebook"])
def test_every_cell_shows_the_same(tricky: dict[Engine, dict[str, Any]], name: str) -> None:
    """Outputs, their order, their metadata, the counts and the tracebacks are equal under both engines."""
    warm, stock = (tricky[engine][name] for engine in ("warm", "stock"))
    if name in WARNS:  # Jupyter warns of this output as it sends it, and its kernel sends what is printed by time
        warm, stock = at_rest(warm), at_rest(stock)
    assert warm == stock
    assert name in ("task", "update", "notebook") or tricky["warm"][name]["outputs"]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory, sample: Path) -> dict[Engine, dict[str, tuple[Outcome, bytes]]]:
    """What each engine makes of notebooks that ship: how each ended, and its page."""
    wanted = [Wanted(notebook=name, given={"book": str(sample), "period": "2026-Q4"}) for name in SHIPPED]
    reports = prepare(wanted, ROOT / "notebooks")
    out = tmp_path_factory.mktemp("shipped")
    engines: tuple[Engine, ...] = ("warm", "stock")
    made = {engine: outcomes(reports, out / engine, engine=engine) for engine in engines}
    return {
        engine: {name: (outcome, (out / engine / outcome.path).read_bytes()) for name, outcome in each.items()}
        for engine, each in made.items()
    }


@pytest.mark.long
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_notebooks_make_the_same_page(
    shipped: dict[Engine, dict[str, tuple[Outcome, bytes]]], name: str
) -> None:
    """The page of every shipped notebook is the same to the byte, whichever engine made it."""
    (warm, warm_page), (stock, stock_page) = (shipped[engine][name] for engine in ("warm", "stock"))
    assert [warm.status, stock.status] == ["ok", "ok"]
    assert warm.results == stock.results
    assert warm_page == stock_page


def test_reports_share_nothing_but_code(tmp_path: Path) -> None:
    """Modules, environment, options, folder and random numbers of one report are not seen by the next."""
    leaves = (
        "import builtins, os, random\nimport numpy as np, pandas as pd\n"
        "seen = [getattr(builtins, 'LEFT', 0), getattr(pd, 'LEFT', 0), os.environ.get('LEFT', ''),"
        " pd.get_option('display.max_rows'), 'left' in globals(), os.path.basename(os.getcwd())]",
        "builtins.LEFT = pd.LEFT = left = 1\nos.environ['LEFT'] = 'x'\npd.set_option('display.max_rows', 7)\n"
        "drawn = [np.random.rand(), random.random(), np.random.default_rng().random()]\nos.chdir('/')",
        ("{'seen': seen, 'drawn': drawn}", "results"),
    )
    paths = [write_notebook(tmp_path / f"leaves{n}.ipynb", *leaves) for n in range(4)]
    made = outcomes([planned(path) for path in paths], tmp_path / "site", engine="warm", jobs=1)
    assert all(made[path.stem].results["seen"] == [0, 0, "", 60, False, tmp_path.name] for path in paths)
    drawn = [tuple(made[path.stem].results["drawn"]) for path in paths]
    assert len({number for numbers in drawn for number in numbers}) == 12


def test_libraries_with_threads_work_in_a_fork(tmp_path: Path) -> None:
    """What hangs or crashes in a fork of a process that has used it works, because the parent only imports."""
    cells = (
        "import duckdb, vl_convert\nimport numpy as np\nfrom sklearn.cluster import KMeans\n"
        "from sklearn.ensemble import HistGradientBoostingClassifier",
        "points = np.random.default_rng(0).normal(size=(3000, 4))\nsign = points[:, 0] > 0\n"
        "labels = KMeans(3, n_init=1, random_state=0).fit(points).labels_\n"
        "trees = HistGradientBoostingClassifier(max_iter=5).fit(points, sign)\n"
        "total = duckdb.sql('select sum(i) from range(1000000) t(i)').fetchone()[0]\n"
        "svg = vl_convert.vegalite_to_svg({'data': {'values': []}, 'mark': 'bar'})",
        (
            "{'groups': len(set(labels)), 'good': trees.score(points, sign) > 0.9, 'sum': total, 'svg': svg[:4]}",
            "results",
        ),
    )
    paths = [write_notebook(tmp_path / f"{name}.ipynb", *cells) for name in ("first", "second")]
    made = outcomes([planned(path) for path in paths], tmp_path / "site", engine="warm", jobs=1)
    expected = {"groups": 3, "good": True, "sum": 499999500000, "svg": "<svg"}
    assert [made[name].results for name in ("first", "second")] == [expected, expected]
