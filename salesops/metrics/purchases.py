"""What each customer bought up to a date, in the form that models of customers fit.

What counts as a purchase, decided here once:

- All lines of a customer on one day are one purchase. A day is a date in the book's time zone.
- Returns and cancellations are lines with a negative quantity or amount. They reduce the value of the day on
  which they are entered, since few systems say which order they undo.
- A day is a purchase day if its net value is above zero; or if it is zero, or unknown, and more units were bought
  than returned (goods that cost nothing, and amounts without a rate). So an order cancelled on the same day is no
  purchase, and neither is a day of returns.
- An order, or a line, whose status voids it is not there at all (`salesops.book.void`).
- In a book without order lines a won deal with an amount is a purchase, on the day of its close.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

import ibis
import ibis.expr.types as ir

from salesops.book.money import in_book_currency
from salesops.book.snapshot import as_known
from salesops.book.sold import sales, sold_lines
from salesops.book.source import Book
from salesops.errors import PeriodError

COLUMNS = (
    "account_id", "frequency", "recency", "T", "monetary", "total", "returned", "no_rate", "first_purchase",
    "last_purchase", "days_since", "median_gap", "gap_spread", "families", "family_names", "last_owner",
)  # fmt: skip  # three lines read better than sixteen

Unit = Literal["day", "week"]
DAYS: dict[str, int] = {"day": 1, "week": 7}
FEWEST_GAPS = 2
# amounts that cancel out add up to a hair beside zero
NOTHING = 1e-6


def purchases(book: Book, as_of: date, *, unit: Unit = "week") -> ir.Table:
    """Return one row for each customer who bought anything up to `as_of`.

    Customers who never bought, and what has no customer, are in `left_out`.

    Parameters
    ----------
    as_of : date
        Last day that counts. What was ordered later is not known.
    unit : {"week", "day"}
        Time unit of recency and T: days, or days ÷ 7 as a fraction. All else is in days.

    Returns
    -------
    ir.Table
        account_id; frequency, recency, T, monetary (as `summarise` gives them); total (money: everything bought
        less everything returned; it may be negative), returned (money, zero or below: the part of total from
        days that are no purchase days); no_rate (order lines whose currency has no rate: their day counts, their
        money is in no amount); first_purchase, last_purchase (dates), days_since (days from the last purchase to
        `as_of`); median_gap (days between one purchase day and the next, median; null with one purchase),
        gap_spread (days: upper less lower quartile of these gaps, interpolated; null with fewer than two gaps);
        families (number of product families of which more units were bought than returned), family_names (the
        same, sorted, joined by "; "; null if none); last_owner (owner of the latest order that has one, by time,
        then order_id; null if all are house sales).
    """
    known = as_known(book, as_of)
    sold = sold_lines(known)
    sold = sold.filter(sold.day.notnull())
    summed = _sales(known, sold)
    days = by_day(summed)
    table = summarise(days, as_of, unit=unit)
    for more in (_sums(summed, days), _gaps(days), _families(known, sold), _owners(known)):
        joined = table.left_join(more, table.account_id == more._account)
        table = joined.drop("_account")
    whole = {name: table[name].fill_null(0) for name in ("total", "returned", "no_rate", "families")}
    days_since = ibis.literal(as_of).delta(table.last_purchase, unit="day")
    return table.mutate(**whole, days_since=days_since).select(COLUMNS)


def by_day(sales: ir.Table) -> ir.Table:
    """Return one row for each customer and day with any sale or return.

    Parameters
    ----------
    sales : ir.Table
        account_id, day (date), value (money; negative for returns, null if unknown), units (negative for
        returns), by_deal (boolean; optional); as many rows a day as there are.

    Returns
    -------
    ir.Table
        account_id, day, value (net money of the day; null if all of it is unknown), is_purchase (boolean; by the
        rule at the head of this module), by_deal (boolean: all that was sold came from deals; where it is given).
    """
    deals = {"by_deal": sales.by_deal.all()} if "by_deal" in sales.columns else {}
    sums = {"value": sales.value.sum(), "units": sales.units.sum(), **deals}
    days = sales.group_by("account_id", "day").aggregate(**sums)
    net = days.value.fill_null(0)
    bought = (net > NOTHING) | ((net >= -NOTHING) & (days.units.fill_null(0) > NOTHING))
    return days.mutate(is_purchase=bought).drop("units")


def summarise(days: ir.Table, as_of: date, *, unit: Unit = "week") -> ir.Table:
    """Return what models of repeat buying fit: the meaning of the package lifetimes.

    Parameters
    ----------
    days : ir.Table
        As `by_day` gives them, none after `as_of`.
    unit : {"week", "day"}
        Time unit of recency and T.

    Returns
    -------
    ir.Table
        A row for each customer with a purchase day. account_id; frequency (purchase days after the first),
        recency (time from the first purchase day to the last; 0 with one), T (time from the first purchase day
        to `as_of`), monetary (money: mean value of the purchase days after the first, of those whose value is
        known; 0 if there is none), first_purchase, last_purchase (dates).

    Raises
    ------
    PeriodError
        If there is no such unit.
    """
    if unit not in DAYS:
        raise PeriodError(f"The unit of time must be 'day' or 'week'. Got '{unit}'.")
    bought = days.filter(days.is_purchase & days.account_id.notnull())
    sums = bought.group_by("account_id").aggregate(
        days=bought.count(),
        first_purchase=bought.day.min(),
        last_purchase=bought.day.max(),
        value=bought.value.sum(),
        known=bought.value.count(),
        first_value=bought.value.argmin(bought.day, where=bought.value.notnull()),
    )
    later = (sums.value - sums.first_value) / (sums.known - 1).nullif(0)
    length = DAYS[unit]
    return sums.select(
        "account_id",
        frequency=sums.days - 1,
        recency=sums.last_purchase.delta(sums.first_purchase, unit="day") / length,
        T=ibis.literal(as_of).delta(sums.first_purchase, unit="day") / length,
        monetary=later.fill_null(0),
        first_purchase=sums.first_purchase,
        last_purchase=sums.last_purchase,
    )


def left_out(book: Book, as_of: date) -> ir.Table:
    """Return what `purchases` does not show, in one row; with it, its totals add up to all sales.

    Returns
    -------
    ir.Table
        orders_without_customer, lines_without_customer (counts), value_without_customer (money);
        customers_without_purchase (customers with returns or worthless lines alone), value_without_purchase
        (money, their net value); no_rate (order lines of all customers, known or not, without a rate; their
        money is in no amount); undated (order lines whose order has no date).
    """
    known = as_known(book, as_of)
    sold, orders = sold_lines(known), sales(known)
    summed = _sales(known, sold.filter(sold.day.notnull()))
    nobody = summed.account_id.isnull()
    lines = summed.aggregate(
        lines_without_customer=summed.lines.sum(where=nobody).fill_null(0),
        value_without_customer=summed.value.sum(where=nobody).fill_null(0),
        no_rate=summed.no_rate.sum().fill_null(0),
    )
    days = by_day(summed)
    each = days.filter(days.account_id.notnull()).group_by("account_id")
    customers = each.aggregate(bought=days.is_purchase.any(), value=days.value.sum().fill_null(0))
    never = customers.aggregate(
        customers_without_purchase=(~customers.bought).sum().fill_null(0),
        value_without_purchase=customers.value.sum(where=~customers.bought).fill_null(0),
    )
    counts = orders.aggregate(orders_without_customer=orders.account_id.isnull().sum().fill_null(0))
    undated = sold.aggregate(undated=sold.day.isnull().sum().fill_null(0))
    return counts.cross_join(lines).cross_join(never).cross_join(undated)


def _sales(known: Book, sold: ir.Table) -> ir.Table:
    """Return sales by customer, day and currency, in the book's currency: also lines, no_rate (counts of lines)."""
    sums = sold.group_by("account_id", "day", "currency").aggregate(
        net=sold.net.sum(), units=sold.units.sum(), lines=sold.count()
    )
    priced = in_book_currency(known, sums, "net", sums.day)
    return priced.mutate(no_rate=priced.no_rate.ifelse(priced.lines, 0))


def _sums(sales: ir.Table, days: ir.Table) -> ir.Table:
    amounts = days.group_by(_account="account_id").aggregate(
        total=days.value.sum(), returned=days.value.sum(where=~days.is_purchase)
    )
    rates = sales.group_by(_unrated="account_id").aggregate(no_rate=sales.no_rate.sum())
    return amounts.left_join(rates, amounts._account == rates._unrated).drop("_unrated")


def _gaps(days: ir.Table) -> ir.Table:
    bought = days.filter(days.is_purchase)
    before = bought.day.lag().over(group_by=bought.account_id, order_by=bought.day)
    bought = bought.mutate(gap=bought.day.delta(before, unit="day"))
    sums = bought.group_by(_account="account_id").aggregate(
        median_gap=bought.gap.median(),
        lower=bought.gap.quantile(0.25),
        upper=bought.gap.quantile(0.75),
        gaps=bought.gap.count(),
    )
    enough = sums.gaps >= FEWEST_GAPS
    return sums.select("_account", "median_gap", gap_spread=enough.ifelse(sums.upper - sums.lower, ibis.null()))


def _families(known: Book, sold: ir.Table) -> ir.Table:
    products = known.table("products").select("product_id", "family")
    # the products a customer bought are far fewer than the lines
    own = sold.group_by("account_id", "product_id").aggregate(units=sold.units.sum())
    joined = own.inner_join(products, "product_id")
    bought = joined.group_by("account_id", "family").aggregate(units=joined.units.sum())
    bought = bought.filter(bought.family.notnull() & (bought.units > NOTHING))
    return bought.group_by(_account="account_id").aggregate(
        families=bought.count(), family_names=bought.family.group_concat("; ", order_by=bought.family)
    )


def _owners(known: Book) -> ir.Table:
    every = sales(known)
    owned = every.filter(every.owner_id.notnull())
    latest = [owned["at"].desc(), owned.sale_id.desc()]
    return owned.group_by(_account="account_id").aggregate(last_owner=owned.owner_id.first(order_by=latest))
