"""What rows must hold, as data: the rules of each table, and those that follow from a column's description."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from salesops.book.finding import Severity
from salesops.book.schema import METRICS, Column, Type

_TYPE_WORDS: dict[Type, str] = {
    "text": "text", "number": "a number", "integer": "a whole number", "boolean": "yes or no",
    "date": "a date", "instant": "a date and time",
}  # fmt: skip  # reads as a table
_SHARES_SUM = 1e-6
_LONGEST = 100_000  # days, more than any quota lasts
DAMAGED = r"^\d(\.\d+)?[eE]\+\d{2,}$"
ROUNDED = "Format the column as text in the spreadsheet before it is filled, and export again: the digits are lost."


@dataclass(frozen=True)
class Rule:
    """A statement about rows.

    Parameters
    ----------
    name : str
        Short and unique in its table.
    severity : str
        error or warning.
    broken : callable
        Takes the typed table and gives a boolean column, true for each row that breaks the rule.
    found : str
        What such rows do, in the plural: "have a negative amount".
    repair : str
        What to do about it.
    needs : tuple of str
        Columns without which the rule has nothing to say.
    shows : str
        Column whose cells are shown beside the keys.
    known : tuple of str
        Values among which the nearest to the first wrong one is offered.
    """

    name: str
    severity: Severity
    broken: Callable[[ir.Table], ir.BooleanValue]
    found: str
    repair: str
    needs: tuple[str, ...] = ()
    shows: str = ""
    known: tuple[str, ...] = ()


def column_rules(column: Column, cells: str = "") -> Iterator[Rule]:
    """Return the rules that follow from the description of a column.

    Parameters
    ----------
    column : Column
        The column; references are not among the rules, since they need another table.
    cells : str
        Name of the text column that holds the cells as the source has them, where they had to be read.
    """
    name = column.name
    if cells:
        yield Rule(
            f"{name} type", "error", lambda t: t[name].isnull() & _written(t[cells]),
            f"have {a(name)} that is not {_TYPE_WORDS[column.type]}",
            "Correct the cells in the source; for another way of writing see [csv] in data/README.md.", shows=cells,
        )  # fmt: skip  # one rule reads as one row
    if column.filled:
        yield Rule(
            f"{name} filled", "error", lambda t: ~_written(t[cells]) if cells else t[name].isnull(),
            f"have no {name}", "Fill it in the source.",
        )  # fmt: skip
    if column.one_of:
        yield Rule(
            f"{name} known", "error", lambda t: t[name].notin(column.one_of),
            f"have {a(name)} that is not one of {', '.join(column.one_of)}",
            "Rename it in the source or in the map.", shows=name, known=column.one_of,
        )  # fmt: skip
    if column.low is not None or column.high is not None:
        yield Rule(
            f"{name} range", "warning", lambda t: _outside(t[name], column.low, column.high),
            f"have {a(name)} {_range_words(column.low, column.high)}", "Correct the value in the source.", shows=name,
        )  # fmt: skip


def damaged_id_rule(column: Column) -> Rule:
    """Return the rule that no id is a number that a spreadsheet has rounded."""
    return Rule(
        f"{column.name} damaged", "warning", lambda t: t[column.name].re_search(DAMAGED),
        f"have {a(column.name)} that a spreadsheet has rounded to a number", ROUNDED, shows=column.name,
    )  # fmt: skip  # one rule reads as one row


def reference_rule(column: Column, keys: ir.Column) -> Rule:
    """Return the rule that the column names only what is among the keys of the table it references."""
    table, _, _ = column.references.partition(".")
    return Rule(
        f"{column.name} in {table}",
        "error",
        lambda t: t[column.name].notnull() & t[column.name].notin(keys),
        f"name {a(column.name)} that is not in {table}",
        f"Add what is missing to {table}, or correct the {column.name}.",
        shows=column.name,
    )


def _negative(column: str, repair: str) -> Rule:
    found = f"have a negative {column}"
    return Rule(f"{column} negative", "warning", lambda t: t[column] < 0, found, repair, (column,))


def _backwards(first: str, last: str, severity: Severity = "warning") -> Rule:
    return Rule(
        f"{last} before {first}",
        severity,
        lambda t: t[last] < t[first],
        f"have {a(last)} before their {first}",
        "Correct the dates in the source.",
        (first, last),
    )


def _share_sums(t: ir.Table) -> ir.BooleanValue:
    per_deal = ibis.window(group_by=ibis.coalesce(t.opportunity_id, ibis.literal("order ") + t.order_id))
    return (t.share.sum().over(per_deal) - 1).abs() > _SHARES_SUM


def _overlaps(t: ir.Table) -> ir.BooleanValue:
    # rows of one period are versions of one quota; of those that begin on one day the longer comes first
    start, length = t.period_start.epoch_days().cast("int64"), t.period_end.delta(t.period_start, unit="day")
    earlier = ibis.range_window(
        group_by=[t.owner_id, t.measure, t.is_rollup.fill_null(False)],
        order_by=start * _LONGEST - ibis.least(length, _LONGEST - 1),
        preceding=(None, ibis.literal(1, type="int64")),
    )
    return t.period_start <= t.period_end.max().over(earlier)


def _not_a_number(t: ir.Table) -> ir.BooleanValue:
    counted = t.metric.isin([metric for metric in METRICS if metric != "deal_stage"])
    return counted & t.target.notnull() & t.target.try_cast("float64").isnull()


def _written(cell: ir.Value) -> ir.BooleanValue:
    return cell.notnull() & (cell.strip() != "")


def _outside(value: ir.Value, low: float | None, high: float | None) -> ir.BooleanValue:
    below = value < low if low is not None else ibis.literal(False)
    return below | (value > high) if high is not None else below


def _range_words(low: float | None, high: float | None) -> str:
    if high is None:
        return f"below {low:g}"
    return f"above {high:g}" if low is None else f"outside {low:g} to {high:g}"


def a(noun: str) -> str:
    """Return a noun with its article."""
    return f"an {noun}" if noun[0] in "aeio" else f"a {noun}"


RULES: dict[str, tuple[Rule, ...]] = {
    "users": (_backwards("hire_date", "end_date"),),
    "contacts": (
        Rule("birthday not MM-DD", "warning",
             lambda t: ~t.birthday_mmdd.re_search(r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"),
             "have a birthday that is not month and day", "Write birthdays as MM-DD, without the year.",
             ("birthday_mmdd",)),
    ),
    "opportunities": (
        Rule("won but not closed", "error", lambda t: t.is_won & ~t.is_closed, "are won but not closed",
             "Set is_closed for won deals."),
        Rule("closed without date", "warning", lambda t: t.is_closed & t.close_date.isnull(),
             "are closed without a close_date and count in no period", "Enter the close date in the source."),
        Rule("won without amount", "warning", lambda t: t.is_won & t.amount.isnull(),
             "are won without an amount and add nothing", "Enter the amount in the source."),
        Rule("open without amount", "warning", lambda t: ~t.is_closed & t.amount.isnull(),
             "are open without an amount; they are kept, and count as deals but not as money",
             "Estimate the amount in the source."),
        Rule("open without close date", "warning", lambda t: ~t.is_closed & t.close_date.isnull(),
             "are open without a close_date; they are kept, and count in no period's coverage",
             "Enter an expected close date in the source."),
        Rule("without created date", "warning", lambda t: t.created_date.isnull(),
             "have no created_date; they count as always known", "Enter the created date in the source.",
             ("created_date",)),
        Rule("closed before created", "warning", lambda t: t.is_closed & (t.close_date < t.created_date),
             "close before they were created; they are left out of the sales cycle",
             "Correct the dates in the source.", ("created_date",)),
        _negative("amount", "Correct the amount, or book it as a return."),
        Rule("probability not 0–1", "warning", lambda t: (t.probability < 0) | (t.probability > 1),
             "have a probability outside 0–1; they count in no weighted amount",
             "Divide by 100 in the map: percent = true.", ("probability",)),
    ),
    "products": (_negative("list_price", "Correct the price."),),
    "order_lines": (
        Rule("line without value", "warning",
             lambda t: t.net_amount.isnull() & (t.quantity.isnull() | t.unit_price.isnull()),
             "have neither a net_amount nor quantity and price, and add nothing", "Enter the amount in the source."),
        Rule("discount not 0–1", "error",
             lambda t: t.net_amount.isnull() & ((t.discount < 0) | (t.discount > 1)),
             "have a discount outside 0–1 and no net_amount, so their value would be wrong",
             "Divide by 100 in the map: percent = true.", ("discount",)),
    ),
    "contracts": (_backwards("start_date", "end_date"),),
    "quotas": (
        _backwards("period_start", "period_end", "error"),
        Rule("periods overlap", "note", _overlaps,
             "overlap an earlier quota of the same owner and measure; the shorter counts in its days, and what it "
             "leaves of the longer covers the other days", "Keep one quota for each day if that is not meant."),
    ),
    "commitments": (
        Rule("metric not measurable", "warning", lambda t: t.metric.notin(METRICS) & t.evidence_id.isnull(),
             "name a metric that cannot be measured and no evidence; they are shown but not judged",
             f"Use one of {', '.join(METRICS)}, or name an evidence_id.", shows="metric", known=METRICS),
        Rule("target not a number", "error", _not_a_number,
             "have a target that is not a number", "Write the target as a number.", shows="target"),
    ),
    "fx_rates": (
        Rule("rate not positive", "error", lambda t: t.rate <= 0, "have a rate of zero or less", "Correct the rate."),
    ),
    "credits": (
        Rule("deal or order", "error", lambda t: t.opportunity_id.isnull() == t.order_id.isnull(),
             "name neither or both of a deal and an order", "Name one of opportunity_id and order_id."),
        Rule("shares do not sum to 1", "error", _share_sums,
             "belong to a deal or order whose shares do not sum to 1", "Make the shares of each deal sum to 1."),
    ),
}  # fmt: skip  # rules stay compact
