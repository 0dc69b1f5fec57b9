"""A tiny export in a book's own words, which each test spoils in one place, and the map that imports it.

Two reps and their manager; in the first quarter of 2026 a won and a lost deal, and one that is open.
"""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

from salesops.cli import main

Row = dict[str, str]
Table = list[Row] | str | bytes | None


def user(user_id: str, name: str, **cells: str) -> Row:
    """Return a row of users: a rep of M1, unless `cells` say otherwise."""
    row = {"user_id": user_id, "user_name": name, "role": "rep", "manager_id": "M1", "hire_date": "2020-01-01"}
    return row | cells


def deal(deal_id: str, owner: str, **cells: str) -> Row:
    """Return a row of opportunities: won for 100 EUR on 3 February 2026, unless `cells` say otherwise."""
    row = {"opportunity_id": deal_id, "owner_id": owner, "stage_name": "Won", "amount": "100", "currency": "EUR"}
    dates = {"probability": "1", "created_date": "2026-01-02", "close_date": "2026-02-03"}
    return row | dates | {"is_closed": "true", "is_won": "true"} | cells


LOST = {"stage_name": "Lost", "is_won": "false", "probability": "0", "close_date": "2026-03-31"}
OPEN = {
    "stage_name": "Offer", "is_won": "false", "is_closed": "false", "probability": "0.5", "close_date": "2026-04-30",
}  # fmt: skip  # reads as a row
QUOTA = {"period_start": "2026-01-01", "period_end": "2026-03-31", "measure": "bookings", "currency": "EUR"}

USERS = [user("M1", "Eva Long", role="manager", manager_id=""), user("U1", "Ana Lopes"), user("U2", "Ben Ode")]
DEALS = [deal("D1", "U1"), deal("D2", "U2", amount="50", **LOST), deal("D3", "U2", amount="70", **OPEN)]
QUOTAS = [{"owner_id": "U1", "quota_amount": "200", **QUOTA}, {"owner_id": "U2", "quota_amount": "100", **QUOTA}]


def write_export(
    folder: Path, *, users: Table = USERS, opportunities: Table = DEALS, quotas: Table = QUOTAS, orders: Table = None
) -> Path:
    """Write the tables as CSV into a new folder and return it. None leaves a table out; text is written as it is."""
    folder.mkdir()
    for name, table in {"users": users, "opportunities": opportunities, "quotas": quotas, "orders": orders}.items():
        if table is not None:
            content = csv_text(table) if isinstance(table, list) else table
            (folder / f"{name}.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def csv_text(rows: Iterable[Mapping[str, str]], delimiter: str = ",") -> str:
    """Return rows as CSV with a header."""
    listed, text = list(rows), io.StringIO()
    writer = csv.DictWriter(text, listed[0], delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(listed)
    return text.getvalue()


def write_map(path: Path, **columns: str) -> Path:
    """Write a map from each column to the column of the same name; `columns` gives opportunities' others, in TOML."""
    sections = ['title = "Tiny"\n[book]\ncurrency = "EUR"']
    for name, rows in {"users": USERS, "opportunities": DEALS, "quotas": QUOTAS}.items():
        lines = [f'{column} = "{column}"' for column in rows[0] if name != "opportunities" or column not in columns]
        lines += [f"{column} = {value}" for column, value in columns.items() if name == "opportunities"]
        optional = f"[tables.{name}]\noptional = true\n" if name == "quotas" else ""
        sections.append(f"{optional}[tables.{name}.columns]\n" + "\n".join(lines))
    path.write_text("\n".join(sections), encoding="utf-8")
    return path


def salesops(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Run the command line; return exit code, what it printed, and what it said on stderr. Never a traceback."""
    capsys.readouterr()
    code = main([str(word) for word in words])
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    return code, out, err


def run_pages(folder: Path, *reports: Mapping[str, str]) -> tuple[Path, str]:
    """Run reports on folder/book in one go, as reports.toml lists them; return the pages' folder and stderr."""
    (folder / "notebooks").mkdir()
    (folder / "reports").mkdir()
    notebooks = [str(ROOT / "notebooks" / f"{report['notebook']}.ipynb") for report in reports]
    listed = [{**report, "book": "../book", "notebook": path} for report, path in zip(reports, notebooks, strict=True)]
    text = ["[[report]]\n" + "\n".join(f"{key} = {json.dumps(value)}" for key, value in r.items()) for r in listed]
    (folder / "reports" / "reports.toml").write_text("\n".join(text), encoding="utf-8")
    code = "import sys; from salesops.cli import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", code, "run"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "reports" / "site", done.stderr


def entries(site: Path) -> list[dict[str, Any]]:
    """Return what index.json says of each report."""
    found: list[dict[str, Any]] = json.loads((site / "index.json").read_text(encoding="utf-8"))["reports"]
    return found


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder with its bytes; folders end with a slash."""
    paths = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*"))}
    return {f"{name}/" if path.is_dir() else name: b"" if path.is_dir() else path.read_bytes()
            for name, path in paths.items()}  # fmt: skip  # two lines read better than four
