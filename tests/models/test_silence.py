"""Where a source ends: a silence is judged by the pauses before it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from books import Row, Rows, make_book

from salesops.models.silence import FEWEST_DAYS, last_heard
from salesops.pages.rep import page as rep_page
from salesops.pages.rep.findings import rep_accountability
from salesops.pages.team import page as team_page
from salesops.pages.team.findings import team_accountability
from salesops.periods import parse_period

LAST = date(2026, 3, 31)


def every(days: int, count: int = 20) -> pd.Series:
    """Days at even steps up to LAST, and days that are not known."""
    return pd.Series([LAST - timedelta(days=days * n) for n in range(count)] + [None], dtype="datetime64[ns]")


@pytest.mark.parametrize(("pause", "silent", "ends"), [
    (1, 45, False), (1, 46, True), (7, 46, True), (30, 60, False), (30, 61, True), (90, 180, False), (90, 181, True),
])  # fmt: skip  # one rhythm a line
def test_a_silence_is_judged_by_the_longest_pause_before(pause: int, silent: int, ends: bool) -> None:
    """More than 45 days and more than twice the longest pause of the last two years is the end."""
    assert last_heard(every(pause), LAST + timedelta(days=silent)) == (LAST if ends else None)


def test_few_days_tell_no_rhythm() -> None:
    """With fewer than five days, or none, nobody knows how long a pause may be."""
    late = LAST + timedelta(days=900)
    assert last_heard(every(3, FEWEST_DAYS - 1), late) is None
    assert last_heard(every(3, FEWEST_DAYS), late) == LAST
    assert last_heard(every(3, 0), late) is None


def test_only_what_is_known_then_counts() -> None:
    """What lies after the date does not break a silence, and a pause of long ago does not excuse it."""
    days = pd.concat([every(3), pd.Series([LAST + timedelta(days=100)], dtype="datetime64[ns]")])
    assert last_heard(days, LAST + timedelta(days=60)) == LAST
    assert last_heard(days, LAST + timedelta(days=110)) is None
    long_ago = pd.concat([every(3, 300), pd.Series([LAST - timedelta(days=2000)], dtype="datetime64[ns]")])
    assert last_heard(long_ago, LAST + timedelta(days=60)) == LAST


def test_accountability_says_where_the_data_end(tmp_path: Path) -> None:
    """A period after the end of the orders is no period without sales: page one of team and rep says up to when."""
    days = [LAST - timedelta(days=3 * n) for n in range(30)]
    late: Row = {"order_id": "late", "account_id": "K", "ordered_at": "2026-06-30"}  # a house sale
    orders: Rows = [{"order_id": f"O{n}", "account_id": "K", "owner_id": "A", "ordered_at": day}
                    for n, day in enumerate(days)]  # fmt: skip  # an order a line
    lines: Rows = [{"order_id": order["order_id"], "product_id": "P", "quantity": 1, "unit_price": 5}
                   for order in (*orders, late)]  # fmt: skip  # a line each
    goal: Row = {"owner_id": "A", "period_start": "2026-04-01", "period_end": "2026-06-30", "quota_amount": 9,
                 "measure": "orders"}  # fmt: skip  # one goal
    book = make_book(
        tmp_path, {"users": [{"user_id": "A"}], "orders": [*orders, late], "order_lines": lines, "quotas": [goal]}
    )
    second, day = parse_period("2026-Q2"), date(2026, 6, 30)
    said = "Orders are known up to 31 Mar 2026 only: what came later is not counted."
    team, rep = team_accountability(book, second, day), rep_accountability(book, "A", second, day)
    assert said in team_page.page_head(team).text
    assert said in rep_page.page_head(rep).text
    assert team_accountability(book, parse_period("2026-Q1"), day).ended_on is None
