"""What was promised in contracts, what was delivered, what is up for renewal, and what money stays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from salesops.book.owners import owner_id_of, responsible
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.errors import BookError
from salesops.metrics.contract_gaps import contract_gaps
from salesops.metrics.contract_terms import price_lines, quality_lines
from salesops.metrics.contracts import contract_spans, recurring_by_month, renewal_rate
from salesops.metrics.otif import otif
from salesops.models.intervals import with_interval
from salesops.models.results import FINE, plain_value
from salesops.pages.contracts.lines import (
    OWNER,
    TERMS,
    contract_terms,
    of_owner,
    owned_due_lines,
    owned_lines,
    with_account,
)
from salesops.pages.contracts.renewals import kept_accounts, renewals
from salesops.periods import Period, months_to

TREND = 24  # months


@dataclass(frozen=True, kw_only=True)
class ContractsReview:
    """Everything that the page of contracts states.

    Attributes
    ----------
    span : Period
        The months in which lines are judged.
    owner_id : str
        Whose contracts and lines these are; "" means everyone's.
    has : dict
        Which tables the book holds (contracts, contract_terms, deliveries, orders).
    contracts : pandas.DataFrame
        The contracts that ran in `span`, as `contract_terms` gives them.
    delivery : dict
        As `otif` gives it for all lines due in `span`; not_come, twice (lines), late_value (money).
    late : pandas.DataFrame
        family, territory_name, due, late (lines), rate, low, high (95%), by family and territory.
    months : pandas.DataFrame
        month (its last day), due, late (lines), rate, low, high: the TREND months up to the day.
    leaks : pandas.DataFrame
        The lines invoiced below the agreed price, as `price_lines` gives them, with account_name and owner_name.
    price : dict
        lines, below (counts), net, agreed, listed, leakage, above (money), unjudged (lines in another currency).
    reps : pandas.DataFrame
        owner_name, lines, below (counts), rate, low, high, leakage (money), contracts (count).
    renewals, money, kept : pandas.DataFrame
        As `renewals`, `metrics.contracts.recurring_by_month` and `kept_accounts` give them.
    rate : dict
        As `metrics.contracts.renewal_rate` gives it for `span`.
    gaps : pandas.DataFrame
        As `metrics.contract_gaps` gives it.
    """

    company: str
    currency: str
    as_of: date
    span: Period
    owner_id: str
    has: dict[str, bool]
    contracts: pd.DataFrame
    delivery: dict[str, Any]
    late: pd.DataFrame
    months: pd.DataFrame
    leaks: pd.DataFrame
    price: dict[str, Any]
    reps: pd.DataFrame
    renewals: pd.DataFrame
    rate: dict[str, Any]
    money: pd.DataFrame
    kept: pd.DataFrame
    gaps: pd.DataFrame

    @property
    def broken(self) -> int | None:
        """How many terms of contracts were broken; None where nothing can tell."""
        return sum(self.broken_by_term.values()) if self.broken_by_term else None

    @property
    def broken_by_term(self) -> dict[str, int]:
        """How many contracts broke each term that could be judged."""
        judged = [term for term in TERMS if self.contracts[term].notna().any()]
        return {term: int(self.contracts[f"{term}_broken"].sum()) for term in judged}

    def results(self) -> dict[str, Any]:
        """Return the numbers of the report as JSON can hold them; None is not known."""
        found, known = self.delivery, self.has["contracts"]
        last: dict[Any, Any] = self.money.iloc[-1].to_dict() if len(self.money) else {}
        due = found["due"] or None
        shown = ["contract_id", "account_name", "owner_name", "due", "late", "otif", "quality_agreed", "worst"]
        shown += [f"{term}{part}" for term in TERMS for part in ("", "_broken", "_cost")]
        return {
            "contracts": len(self.contracts) if known else None,
            "terms_broken": self.broken,
            "lines_due": due,
            "lines_late": found["due"] - found["on_time"] if due else None,
            "lines_not_come": found["not_come"] if due else None,
            "on_time": plain_value(found["on_time_rate"], decimals=FINE),
            "otif": plain_value(found["otif"], decimals=FINE),
            "leakage": plain_value(self.price["leakage"], decimals=FINE),
            "renewals_due": len(self.renewals) if known else None,
            "renewals_undecided": int(self.renewals.undecided.sum()) if known else None,
            "grr": plain_value(last.get("grr_year"), decimals=FINE),
            "nrr": plain_value(last.get("nrr_year"), decimals=FINE),
            "rows": [
                {name: plain_value(row[name], decimals=FINE) for name in shown}
                for row in self.contracts.to_dict("records")
            ],
        }


def contracts_review(book: Book, as_of: date, *, owner: str = "", months: int = 12) -> ContractsReview:
    """Put promised and delivered side by side, for lines due and invoiced in the months up to a day.

    Raises
    ------
    BookError
        If `months` is below 1, or nobody called `owner` has a contract or an order.
    """
    if months < 1:
        raise BookError(f"months must be 1 or more. Got {months}.")
    known, whose = as_known(book, as_of), owner_id_of(book, owner, as_of)
    span = months_to(as_of, months)
    names = ("contracts", "contract_terms", "orders", "deliveries")
    contracts = of_owner(whose, responsible(known, with_account(known, known.table("contracts"))))
    spans = contract_spans(book, as_of).drop("owner_id")
    spans = spans.inner_join(contracts.select("contract_id", "account_name", *OWNER), "contract_id")
    ran = spans.filter((spans.start_date <= span.end).fill_null(True) & (spans.until >= span.start).fill_null(True))
    due = known.keep(("due lines and owners", whose), lambda: owned_due_lines(known, as_of, whose))
    within = due.filter(due.due_on.between(span.start, span.end))
    prices = known.keep(
        ("price lines and owners", span, whose), lambda: owned_lines(known, price_lines(book, span), whose)
    )
    qualities = owned_lines(known, quality_lines(book, span), whose)
    long, gaps = due.filter(due.due_on >= months_to(as_of, TREND).start), contract_gaps(book, span)
    valued = not whose and ran.value.notnull().any().to_pyarrow().as_py()
    return ContractsReview(
        company=book.company,
        currency=book.currency,
        as_of=as_of,
        span=span,
        owner_id=whose,
        has={name: book.has(name) for name in names},
        contracts=contract_terms(known, ran, within, prices, qualities),
        delivery=_row(otif(within)) | _row(_delivered(within)),
        late=_rates(within, "family", "territory_name"),
        months=_rates(long.mutate(month=long.due_on.truncate("M")), "month").sort_values("month", ignore_index=True),
        leaks=prices.filter(prices.below).order_by(ibis.desc("leakage"), "order_line_id").to_pandas(),
        price=_row(_priced(prices)),
        reps=_leaking(prices),
        renewals=renewals(known, spans, as_of),
        rate={} if whose else _row(renewal_rate(book, span, as_of)),
        money=recurring_by_month(book, as_of).to_pandas() if valued else pd.DataFrame(),
        kept=kept_accounts(book, as_of) if not whose and book.has("contracts") else pd.DataFrame(),
        gaps=(gaps.semi_join(contracts, gaps.subject == contracts.contract_id) if whose else gaps).to_pandas(),
    )


def _delivered(due: ir.Table) -> ir.Table:
    never = due.last_delivered.isnull()
    sums = {"not_come": never.sum(), "twice": due.entered_twice.sum(), "late_value": due.value.sum(where=~due.on_time)}
    return due.aggregate(**sums)


def _priced(prices: ir.Table) -> ir.Table:
    names = ("net", "agreed", "listed", "leakage", "above")
    listed = prices.listed.notnull() & prices.net.notnull()
    return prices.aggregate(
        lines=prices.below.count(),
        below=prices.below.sum(),
        unjudged=prices.below.isnull().sum(),
        net_listed=prices.net.sum(where=listed),
        lines_above=(prices.above > 0).sum(),
        **{name: prices[name].sum() for name in names},
    )


def _rates(due: ir.Table, *by: str) -> pd.DataFrame:
    rows = otif(due, *by).to_pandas()
    rows = rows.assign(late=rows.due - rows.on_time)
    rows = rows.assign(rate=rows.late / rows.due)
    return with_interval(rows, "late", "on_time").sort_values("rate", ascending=False, ignore_index=True)


def _leaking(prices: ir.Table) -> pd.DataFrame:
    judged = prices.filter(prices.below.notnull())
    rows = judged.group_by("owner_id", "owner_name").aggregate(
        lines=judged.count(), below=judged.below.sum(), leakage=judged.leakage.sum(),
        contracts=judged.contract_id.nunique(),
    ).to_pandas()  # fmt: skip  # reads as one step
    rows = rows.assign(fine=rows.lines - rows.below, rate=rows.below / rows.lines)
    return with_interval(rows, "below", "fine").sort_values(["low", "owner_name"], ascending=[False, True])


def _row(table: ir.Table) -> dict[str, Any]:
    (row,) = table.to_pyarrow().to_pylist()
    return dict(row)
