"""The past stays the past: a report of a day is the same, whatever the book has lived through since."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from lived import FIRST, Company

SALESOPS = str(Path(sys.executable).parent / "salesops")
NOTEBOOKS = tuple(sorted(path.stem for path in (ROOT / "notebooks").glob("[!_]*.ipynb")))
THEN, NOW = 700, 800


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_report_of_a_day_changes_when_the_book_lives_on(seed: int, tmp_path: Path) -> None:
    """The results of every notebook as of a day are the same from the book of that day and from one of 100 days later.

    Deals are won, lost, reopened, cancelled, handed over, moved, re-amounted and deleted meanwhile; people leave.
    """
    company = Company(seed)
    results = [_results(company, day, tmp_path / str(day)) for day in (THEN, NOW)]
    assert sorted(results[0]) == sorted(NOTEBOOKS)
    for name in NOTEBOOKS:
        assert _differences(results[0][name], results[1][name]) == [], name


def _results(company: Company, day: int, folder: Path) -> dict[str, Any]:
    company.book_on(folder / "book", day)
    as_of = (FIRST + timedelta(days=THEN)).isoformat()
    command = [SALESOPS, "run", *NOTEBOOKS, "--book", str(folder / "book"), "--as-of", as_of, "--out", str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    reports = json.loads((folder / "index.json").read_text())["reports"]
    return {report["notebook"]: report["results"] for report in reports}


def _differences(one: Any, other: Any, where: str = "") -> list[str]:
    """Return where two results differ, with both values; numbers may differ by a part in a thousand million."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = [*one, *(key for key in other if key not in one)]
        return [d for key in keys for d in _differences(one.get(key), other.get(key), f"{where}.{key}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [d for n, pair in enumerate(zip(one, other, strict=True)) for d in _differences(*pair, f"{where}[{n}]")]
    if isinstance(one, float) and isinstance(other, float) and one == pytest.approx(other, rel=1e-9, abs=1e-9):
        return []
    return [] if one == other else [f"{where}: {one!r} and {other!r}"]
