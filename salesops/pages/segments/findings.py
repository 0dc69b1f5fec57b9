"""The segments of all customers on a day: what they are, whether they are real, who moved, and each one's play."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal, cast

import pandas as pd

from salesops.book.source import Book
from salesops.errors import BookError, PeriodError, did_you_mean
from salesops.models.customers import Customers, customers
from salesops.models.plays.segment_plays import SegmentPlays, segment_plays
from salesops.models.results import plain
from salesops.models.segments import (
    RFM,
    UNKNOWN,
    VALUE_ACTIVE,
    Clusters,
    Migration,
    SegmentGrid,
    fit_clusters,
    fit_grid,
    grid_notes,
    grid_rules,
    migrate,
    read_clusters,
    read_grid,
)
from salesops.pages.segments.outlook import Outlook, outlook, scaled
from salesops.pages.segments.stability import in_use, segment_stability, verdict
from salesops.pages.segments.tables import median_rules, segment_table, since_table, value_test

METHODS = ("grid", "value", "kmeans", "mixture")


@dataclass(frozen=True)
class CustomerSegments:
    """The result of `customer_segments`.

    Attributes
    ----------
    company, currency : str
        Whose customers, and the currency of all money.
    now, before : Customers
        The customers on both dates; their tables hold the segment of each by `definition`.
    method : str
        One of METHODS.
    definition : SegmentGrid, Clusters or None
        What the segments mean, the same on both dates. None where the customers cannot be segmented.
    why_not : str
        The reason in words; "" with a definition.
    reused : bool
        Whether the definition was read from a file.
    rules, notes : list of str
        A sentence for each segment (clusters: their medians), and one for each cut that tells nobody apart.
    segments : pandas.DataFrame
        A row for each segment that holds anyone, in the order of the definition: segment, customers (count),
        customer_share, money (spent in all), money_share, value (money expected within the horizon; NaN without
        estimates), value_share, p_active (mean), frequency, days_since, per_purchase (medians: count, days, money).
    since : pandas.DataFrame
        How the segments of the earlier date fared: segment, customers (count then), bought (of them, since),
        rate (bought ÷ customers), low, high (95% interval), money_each (money since, per customer).
    migration : Migration
        Moves between the two dates.
    stability : pandas.DataFrame
        As models.customers_stability gives it: the grid cut anew, and clusters of several counts.
    outlook : Outlook or None
        The money expected within the horizon, with its interval; the values of `now`, where there are any, add up to
        it. None where nothing can be said.
    value_test : dict or None
        How the money expected on the earlier date, in the same way, came true by `as_of`: expected, low, high, came,
        naive (money so far ÷ weeks as a customer × horizon), all money, over the customers of then whose value is
        known; rank, naive_rank (Spearman's correlation with the money that came; NaN of a constant). None without
        estimates then, or where the earlier date is not a horizon before `as_of`.
    verdict : str
        Whether the segments can be relied on, in words.
    plays : SegmentPlays
        Each segment's plays by the book's playbook.
    """

    company: str
    currency: str
    now: Customers
    before: Customers
    method: str
    definition: SegmentGrid | Clusters | None
    why_not: str
    reused: bool
    rules: list[str]
    notes: list[str]
    segments: pd.DataFrame
    since: pd.DataFrame
    migration: Migration
    stability: pd.DataFrame
    outlook: Outlook | None
    value_test: dict[str, float] | None
    verdict: str
    plays: SegmentPlays

    @property
    def movers(self) -> pd.DataFrame:
        """Who was a customer on both dates and changed segment: account_id, account_name, before, after, total."""
        moved = self.migration.moved
        both = moved[moved.account_id.isin(self.before.table.account_id)]
        named = self.now.table[["account_id", "account_name", "total", "days_since"]]
        found = both.merge(named, on="account_id").sort_values(["total", "account_id"], ascending=[False, True])
        return found.reset_index(drop=True)

    @property
    def agreement(self) -> float | None:
        """Mean adjusted Rand index of the definition in use; None if it was not judged."""
        own = in_use(self.stability, self.definition)
        return None if own.empty else float(own.mean_ari.iloc[0])

    def results(self) -> dict[str, Any]:
        """Return the numbers that the page states, fit for JSON; NaN is None."""
        now = self.now
        numbers = {
            "customers": len(now.table),
            "never_bought": now.never_bought,
            "money": now.table.total.sum(),
            "expected_money": self.outlook.total if self.outlook else None,
            "expected_money_low": self.outlook.low if self.outlook else None,
            "expected_money_high": self.outlook.high if self.outlook else None,
            "expected_purchases": now.table.expected_purchases.sum(min_count=1),
            "likely_to_buy": now.table.p_active.sum(min_count=1),
            "moved": len(self.movers),
        }
        return {
            "previous": self.before.as_of.isoformat(),
            "method": self.method,
            "usable": now.usable,
            "spend_from": now.spend_from,
            **plain(numbers),
            "left_out": plain(now.left_out),
            "backtest": _rows(now.backtest),
            "value_test": plain(self.value_test or {}),
            "segments": _rows(self.segments),
            "stability": _rows(self.stability),
            "verdict": self.verdict,
            "plays": _rows(self.plays.by_play),
        }


def customer_segments(
    book: Book,
    as_of: date,
    *,
    previous: date | None = None,
    horizon_weeks: int = 13,
    method: str = "grid",
    count: int = 5,
    file: str = "",
) -> CustomerSegments:
    """Segment the customers of a day, compare with an earlier one, and give each segment its plays.

    Parameters
    ----------
    as_of : date
        Last day that counts.
    previous : date
        The earlier date; horizon_weeks before `as_of` if None.
    horizon_weeks : int
        How far ahead estimates look.
    method : str
        grid: recency × frequency × value by rules. value: value × P(active) by rules. kmeans, mixture: clusters of
        money per purchase, median gap and its spread.
    count : int
        How many clusters; grids have their own segments.
    file : str
        A definition that `save_grid` or `save_clusters` wrote, to reuse; made anew from the customers of
        `as_of` if empty.

    Raises
    ------
    PeriodError
        If `previous` does not lie before `as_of`, or the horizon is shorter than a week.
    BookError
        If there is no such method, or the file cannot be read or does not fit the customers.
    """
    _check(method, count, as_of, previous)
    now = customers(book, as_of, horizon_weeks=horizon_weeks)
    before = customers(book, previous or as_of - timedelta(weeks=horizon_weeks), horizon_weeks=horizon_weeks)
    found, then = outlook(book, now, before), outlook(book, before)
    now, before = replace(now, table=scaled(now, found)), replace(before, table=scaled(before, then))
    definition, why_not = _definition(now, method, count, file)
    now, before = (_with_segments(found, definition) for found in (now, before))
    grid = definition if isinstance(definition, SegmentGrid) else None
    stability = segment_stability(now.table, count, definition)
    return CustomerSegments(
        company=book.company,
        currency=book.currency,
        now=now,
        before=before,
        method=method,
        definition=definition,
        why_not=why_not,
        reused=bool(file),
        rules=grid_rules(grid) if grid else median_rules(now.table, definition),
        notes=grid_notes(grid, now.table) if grid else [],
        segments=segment_table(now.table),
        since=since_table(before.table, now.table),
        migration=migrate(before.table, now.table),
        stability=stability,
        outlook=found,
        value_test=value_test(before, now, then),
        verdict=verdict(stability, definition),
        plays=segment_plays(book, now.table, before.table, as_of),
    )


def _check(method: str, count: int, as_of: date, previous: date | None) -> None:
    if method not in METHODS:
        raise BookError(f"There is no method '{method}'. {did_you_mean(method, METHODS)}")
    if count < 2:
        raise BookError(f"The number of clusters must be 2 or more. Got {count}.")
    if previous is not None and previous >= as_of:
        raise PeriodError(f"The earlier date must lie before {as_of}. Got {previous}.")


def _definition(now: Customers, method: str, count: int, file: str) -> tuple[SegmentGrid | Clusters | None, str]:
    """Return what the segments mean, or why there are none; a file that cannot be used is an error."""
    if file:
        definition = read_grid(Path(file)) if method in ("grid", "value") else read_clusters(Path(file))
        definition.assign(now.table)  # raises if it does not fit
        return definition, ""
    if now.table.empty:
        return None, now.why_not
    try:
        if method in ("grid", "value"):
            return fit_grid(now.table, RFM if method == "grid" else VALUE_ACTIVE, fitted_on=now.as_of), ""
        return fit_clusters(now.table, count, method=cast(Literal["kmeans", "mixture"], method)), ""
    except BookError as error:
        return None, now.why_not if method == "value" else str(error)


def _with_segments(found: Customers, definition: SegmentGrid | Clusters | None) -> Customers:
    table = found.table
    if definition is None:
        nowhere = pd.Series(UNKNOWN, table.index).astype(pd.CategoricalDtype([UNKNOWN], ordered=True))
        return replace(found, table=table.assign(segment=nowhere), grid=None)
    grid = definition if isinstance(definition, SegmentGrid) else None
    return replace(found, table=table.assign(segment=definition.assign(table).segment), grid=grid)


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [plain(row) for row in table.to_dict("records")]
