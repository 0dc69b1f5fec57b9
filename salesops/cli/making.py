"""What reports.toml wants, planned and delivered: what cannot be planned is told, and the rest is made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from salesops.cli.asking import prepare
from salesops.cli.outside import tell
from salesops.errors import SalesopsError, one_line
from salesops.press.deliver import Delivery, How, deliver
from salesops.press.settings import Wanted


def make(wanted: Sequence[Wanted], out: Path, how: How, home: Path) -> tuple[Delivery, list[Wanted]]:
    """Return what became of the reports, and what could not be planned: its book or parameters are wrong."""
    unable: list[Wanted] = []

    def note(want: Wanted, error: SalesopsError) -> None:
        unable.append(want)
        tell(*f"Error: {one_line(_report_name(want))} is not made. {error}".split("\n"), err=True)

    reports = prepare(wanted, home / "notebooks", note)
    return deliver(reports, out, how, unplanned=[_report_name(want) for want in unable]), unable


def _report_name(want: Wanted) -> str:
    book = Path(str(want.given.get("book", ""))).name
    return Path(want.notebook).stem + (f" on {book}" if book else "")
