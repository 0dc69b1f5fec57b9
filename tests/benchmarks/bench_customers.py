"""Purchase summaries: ours, lifetimes and pandas on the same Parquet files, and their memory.

What is timed is the core that all three have: frequency, recency, T and monetary of each customer, from one flat
Parquet file of transactions to a pandas DataFrame. Each side runs in a process of its own, without its imports.
Ours also sums units, for its rule of what a purchase is. DuckDB may take 3 GB and then spills to disk.

SALESOPS_LIFETIMES names a Python that has lifetimes 0.11.3; without it the one that runs this is tried.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb
from measure import ROOT, Row, publish, say

SHARED = Path(os.environ.get("SALESOPS_SHARED", ROOT.parent / "shared"))
THEIRS = os.environ.get("SALESOPS_LIFETIMES", sys.executable)
MILLION = 1_000_000
END = "2025-12-31"
COLUMNS = ("frequency", "recency", "T", "monetary")

BEFORE = """
import json, resource, sys, time
from datetime import date
import pandas as pd
path, end, out = sys.argv[1:4]
"""
OURS = """
import ibis
from salesops.metrics.purchases import by_day, summarise
start = time.perf_counter()
con = ibis.duckdb.connect(temp_directory=out + ".spill", memory_limit="3GB")
table = summarise(by_day(con.read_parquet(path)), date.fromisoformat(end), unit="day")
table = table.select("account_id", "frequency", "recency", "T", "monetary").to_pandas()
"""
LIFETIMES = """
from lifetimes.utils import summary_data_from_transaction_data
start = time.perf_counter()
sales = pd.read_parquet(path, columns=["account_id", "day", "value"])
sales["day"] = pd.to_datetime(sales["day"])
table = summary_data_from_transaction_data(sales, "account_id", "day", "value", observation_period_end=end)
table = table.rename(columns={"monetary_value": "monetary"}).reset_index()
"""
PANDAS = """
start = time.perf_counter()
sales = pd.read_parquet(path, columns=["account_id", "day", "value"])
sales["day"] = pd.to_datetime(sales["day"])
days = sales.groupby(["account_id", "day"], sort=False)["value"].sum().reset_index()
first = days.groupby("account_id", sort=False)["day"].transform("min")
days["later"] = days["value"].where(days["day"] > first)
table = days.groupby("account_id", sort=False).agg(
    first=("day", "min"), last=("day", "max"), days=("day", "size"), monetary=("later", "mean")).reset_index()
table["frequency"] = table.days - 1
table["recency"] = (table["last"] - table["first"]).dt.days
table["T"] = (pd.Timestamp(end) - table["first"]).dt.days
table["monetary"] = table["monetary"].fillna(0)
"""
AFTER = """
used, cpu = time.perf_counter() - start, time.process_time()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
columns = ["frequency", "recency", "T", "monetary"]
sums = [float(table[column].sum()) for column in columns]
print(json.dumps({"seconds": used, "cpu": cpu, "peak": peak, "rows": len(table), "sums": sums}))
if out.endswith(".parquet"):
    table[["account_id", *columns]].to_parquet(out)
"""
RETAIL = """
import sys
from pathlib import Path
from salesops.intake import import_book
import_book("online_retail_2", Path(sys.argv[1]), Path(sys.argv[2]))
"""


def main() -> None:
    """Run all sides and publish the table."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        # sizes first: this process must be small while peak memory is measured, since children inherit its peak
        rows = [*_sizes(folder), *_identical(folder)]
    publish("customers", rows)


def _sizes(folder: Path) -> list[Row]:
    names = {size: f"{size // MILLION} million transactions" for size in (MILLION, 10 * MILLION, 50 * MILLION)}
    rows: list[Row] = []
    ours: dict[int, dict[str, Any]] = {}
    for size, name in names.items():
        path = _transactions(folder, size, "'C' || lpad(number::VARCHAR, 8, '0')")
        ours[size] = min((_side(OURS, path) for _ in range(1 if size > 10 * MILLION else 3)), key=_seconds)
        say(f"{name}: {_told(ours[size])}")
        if size <= 10 * MILLION:
            rows += _compared(name, path, ours[size], held=size == 10 * MILLION)
        path.unlink()
    path = _transactions(folder, 10 * MILLION, "number")
    again = min((_side(OURS, path) for _ in range(3)), key=_seconds)
    rows += _compared("10 million, keys as numbers", path, again, held=False)
    return [*rows, *_growth(names, ours)]


def _compared(name: str, path: Path, ours: dict[str, Any], *, held: bool) -> list[Row]:
    rows = []
    for other, code, least in (("lifetimes", LIFETIMES, 5.0), ("pandas groupby", PANDAS, 2.5)):
        theirs = _side(code, path)
        if theirs is None:
            continue
        _agree(ours, theirs)
        say(f"  {other}: {_told(theirs)}")
        target, met = (f"≥ {least:g}×", theirs["seconds"] >= least * ours["seconds"]) if held else ("–", None)
        rows.append(Row(f"{name} / {other}", ours["seconds"], theirs["seconds"], "s", target, met))
    return rows


def _growth(names: dict[int, str], ours: dict[int, dict[str, Any]]) -> list[Row]:
    rows, before = [], MILLION
    for size, name in names.items():
        each = 1e6 * ours[size]["seconds"] / size
        linear = size == MILLION or ours[size]["seconds"] / ours[before]["seconds"] <= size / before
        target = "–" if size == MILLION else "no more than before"
        met = None if size == MILLION else linear
        rows.append(Row(f"{name}, µs a transaction", each, None, "µs", target, met))
        limit = ("≤ 4 GB", ours[size]["peak"] <= 4) if size == 50 * MILLION else ("–", None)
        rows.append(Row(f"{name}, peak memory in GB", ours[size]["peak"], None, "GB", *limit))
        before = size
    return rows


def _identical(folder: Path) -> list[Row]:
    """Hold real data against lifetimes, customer by customer: the largest difference of any figure."""
    rows = []
    for name, path, end in (_cdnow(folder), _retail(folder)):
        mine, other = folder / "mine.parquet", folder / "other.parquet"
        if _side(LIFETIMES, path, end, other) is None:
            say("lifetimes is not installed: nothing is held against it. Set SALESOPS_LIFETIMES.")
            continue
        _side(OURS, path, end, mine)
        gaps = ", ".join(f"max(abs(m.{column} - o.{column}) / (1 + abs(o.{column})))" for column in COLUMNS)
        query = f"SELECT count(*), count(m.account_id), count(o.account_id), greatest({gaps}) "
        query += f"FROM '{mine}' m FULL JOIN '{other}' o USING (account_id)"
        customers, ours, theirs, gap = duckdb.sql(query).fetchall()[0]
        same = customers == ours == theirs and gap < 1e-9
        what = f"{name}, {customers:,} customers: largest difference"
        rows.append(Row(what, gap, None, "", "≤ 1e-9", same))
    return rows


def _cdnow(folder: Path) -> tuple[str, Path, str]:
    path = folder / "cdnow.parquet"
    lines = (SHARED / "data" / "cdnow" / "CDNOW_master.txt").read_text().splitlines()[1:]
    cells = [line.split() for line in lines]
    text = folder / "cdnow.csv"
    text.write_text("\n".join(",".join(row) for row in cells))
    names = "{'account_id': 'VARCHAR', 'day': 'VARCHAR', 'units': 'DOUBLE', 'value': 'DOUBLE'}"
    query = f"SELECT * REPLACE (strptime(day, '%Y%m%d')::DATE AS day) FROM read_csv('{text}', columns = {names})"
    duckdb.sql(f"COPY ({query}) TO '{path}'")
    return "CDNOW", path, "1998-06-30"


def _retail(folder: Path) -> tuple[str, Path, str]:
    """Write the lines of Online Retail II that lie on purchase days: lifetimes knows no returns."""
    book, path = folder / "retail", folder / "retail.parquet"
    source = SHARED / "data" / "online_retail_2"
    subprocess.run([sys.executable, "-c", RETAIL, source, book], check=True, cwd=ROOT, capture_output=True)
    lines = (
        f"SELECT account_id, CAST(ordered_at AS DATE) AS day, quantity AS units, quantity * unit_price AS value "
        f"FROM '{book}/order_lines.parquet' JOIN '{book}/orders.parquet' USING (order_id)"
    )
    net = "round(sum(value) OVER (PARTITION BY account_id, day), 6)"
    units = "sum(units) OVER (PARTITION BY account_id, day)"
    query = f"SELECT * FROM ({lines}) QUALIFY {net} > 0 OR ({net} = 0 AND {units} > 0)"
    duckdb.sql(f"COPY ({query}) TO '{path}'")
    return "Online Retail II", path, "2011-12-09"


def _transactions(folder: Path, size: int, key: str) -> Path:
    """Write random transactions of two years: one customer for seven of them, few who buy much and many who do not."""
    path = folder / f"{size}.parquet"
    query = (
        f"SELECT {key} AS account_id, DATE '2024-01-01' + floor(random() * 730)::INTEGER AS day, "
        "1.0 + floor(random() * 5) AS units, round(5 + random() * 95, 2) AS value "
        f"FROM (SELECT floor(random() * random() * {size // 7})::INTEGER AS number FROM range({size}))"
    )
    # in a process of its own, for the same reason
    code = f'import duckdb; duckdb.sql("SELECT setseed(0.5)"); duckdb.sql("""COPY ({query}) TO \'{path}\'""")'
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return path


def _side(code: str, path: Path, end: str = END, out: Path | None = None) -> dict[str, Any] | None:
    """Run one side in a process of its own; None if it has not got the package."""
    python = THEIRS if code == LIFETIMES else sys.executable
    command = [python, "-W", "ignore", "-c", BEFORE + code + AFTER, path, end, out or path.with_suffix(".none")]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, cwd=ROOT)
    if "No module named 'lifetimes'" in done.stderr:
        return None
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    last: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])  # above it DuckDB's progress
    return last


def _agree(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Raise if two sides do not give the same customers and sums."""
    pairs = zip([ours["rows"], *ours["sums"]], [theirs["rows"], *theirs["sums"]], strict=True)
    if any(abs(mine - other) > 1e-9 * abs(other) for mine, other in pairs):
        raise RuntimeError(f"The sides differ: {ours} and {theirs}")


def _seconds(found: dict[str, Any]) -> float:
    return float(found["seconds"])


def _told(found: dict[str, Any]) -> str:
    times = f"{found['seconds']:.2f} s (with imports {found['cpu']:.1f} s of processor)"
    return f"{times}, {found['peak']:.2f} GB, {found['rows']:,} customers"


if __name__ == "__main__":
    main()
