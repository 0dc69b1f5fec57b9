"""The main job on real input: import, check, run, and the numbers that stand in the reports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SALESOPS = Path(sys.executable).parent / "salesops"


def salesops(*words: str | Path) -> str:
    """Run the command line and return what it printed; it must succeed."""
    done = subprocess.run([str(w) for w in (SALESOPS, *words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def reports(folder: Path) -> list[dict[str, Any]]:
    index = json.loads((folder / "index.json").read_text(), parse_constant=pytest.fail)
    assert index["version"] == 1
    assert {report["status"] for report in index["reports"]} == {"ok"}
    assert all((folder / report["path"]).is_file() for report in index["reports"])
    return list(index["reports"])


@pytest.mark.long
def test_adventureworks(shared: Path, tmp_path: Path) -> None:
    """AdventureWorks goes from its export to reports that state the published numbers."""
    book, out = tmp_path / "aw", tmp_path / "out"
    said = salesops("import", "--map", "adventureworks", shared / "data" / "adventureworks_dw", book)
    assert "quotas: 163 rows in, 163 out" in said
    assert "No errors" in salesops("check", book)
    salesops("run", "team_accountability", "--book", book, "--period", "2013-09-29..2013-12-28", "--out", out)
    salesops("run", "rep_accountability", "--book", book, "--rep", "Jae Pak", "--out", out)
    team, rep = sorted((r["results"] for r in reports(out)), key=lambda results: "rows" not in results)
    assert (team["quota"], team["reps"], team["reps_attained"]) == (10_359_000, 17, 0)
    assert team["booked"] == pytest.approx(8_935_377, abs=0.5)
    assert team["gap"] == pytest.approx(10_359_000 - 8_935_377, abs=0.5)
    assert len(team["rows"]) == 17
    assert sum(row["booked"] for row in team["rows"]) == pytest.approx(team["booked"])
    assert rep["booked"] == next(row["booked"] for row in team["rows"] if row["user_name"] == "Jae Pak")


def test_maven(shared: Path, tmp_path: Path) -> None:
    """Maven CRM loses nothing on its way: renamed, empty and idle rows are named, and agents without deals stay."""
    book, out = tmp_path / "maven", tmp_path / "out"
    said = salesops("import", "--map", "maven_crm", shared / "data" / "maven_crm", book)
    assert "1,480 rows: product_id 'GTXPro' → 'GTX Pro'" in said
    assert "1,425 of 8,800 opportunities have no account_id" in said
    said = salesops("check", book)
    assert "No errors" in said
    for count in ("2,089 of 8,800", "500 of 8,800", "holds no quotas"):
        assert count in said
    salesops("run", "team_accountability", "--book", book, "--period", "2017", "--out", out)
    (team,) = reports(out)
    results = team["results"]
    idle = {"Carl Lin", "Carol Thompson", "Elizabeth Anderson", "Mei-Mei Johns", "Natalya Ivanova"}
    assert results["quota"] is None
    assert results["booked"] == 10_005_534
    assert results["reps"] == 35
    assert {row["user_name"] for row in results["rows"] if row["booked"] == 0} == idle
    page = (out / team["path"]).read_text()
    assert "Goals are missing" in page
    assert "2,089 of 8,800" in page
