"""The spine: start-up of the command line, check and team report on Maven CRM and on the medium sample.

The other side is what people do today: the same notebook through `papermill` and `jupyter nbconvert`, the
command line of papermill, and a check written by hand in pandas.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from measure import ROOT, Row, publish, seconds

BIN = Path(sys.executable).parent
SHARED = Path(os.environ.get("SALESOPS_SHARED", ROOT.parent / "shared"))
NOTEBOOK = ROOT / "notebooks" / "team_accountability.ipynb"
BY_HAND = """
import sys, pathlib, pandas as pd
book = pathlib.Path(sys.argv[1])
def read(name):
    file = next(book.glob(name + ".*"))
    return pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)
deals, users, accounts = read("opportunities"), read("users"), read("accounts")
print(deals.opportunity_id.duplicated().sum(), (~deals.owner_id.isin(users.user_id)).sum())
print((~deals.account_id.dropna().isin(accounts.account_id)).sum(), (deals.close_date < deals.created_date).sum())
"""


def main() -> None:
    """Run both sides and publish the table."""
    salesops, papermill = BIN / "salesops", BIN / "papermill"
    help_ours, help_theirs = seconds([salesops, "--help"], runs=5), seconds([papermill, "--help"], runs=5)
    rows = [Row("salesops --help / papermill --help", help_ours, help_theirs, "s", "≤ 0.5 s", help_ours <= 0.5)]
    with tempfile.TemporaryDirectory() as scratch:
        maven, medium = Path(scratch) / "maven", Path(scratch) / "medium"
        seconds([salesops, "import", "--map", "maven_crm", SHARED / "data" / "maven_crm", maven], runs=1)
        seconds([salesops, "sample", medium, "--seed", "1", "--size", "medium"], runs=1)
        for name, book in (("Maven CRM", maven), ("medium sample", medium)):
            rows += _compare(name, book, Path(scratch) / f"out {name}")
    publish("spine", rows)


def _compare(name: str, book: Path, out: Path) -> list[Row]:
    salesops = BIN / "salesops"
    check = seconds([salesops, "check", book])
    by_hand = seconds([sys.executable, "-c", BY_HAND, book])
    report = seconds([salesops, "run", "team_accountability", "--book", book, "--out", out], runs=2)
    page = out.with_suffix(".ipynb")
    loop = seconds([BIN / "papermill", NOTEBOOK, page, "-p", "book", book], runs=2)
    loop += seconds([BIN / "jupyter", "nbconvert", "--to", "html", "--no-input", page], runs=2)
    both = check + report
    limit = "≤ 20 s" if name == "Maven CRM" else "–"
    return [
        Row(f"check, {name} / four checks by hand in pandas", check, by_hand, "s", "–", None),
        Row(f"team report, {name} / papermill + nbconvert", report, loop, "s", "–", None),
        Row(f"check and team report, {name}, cold", both, None, "s", limit, both <= 20 if limit != "–" else None),
    ]


if __name__ == "__main__":
    main()
