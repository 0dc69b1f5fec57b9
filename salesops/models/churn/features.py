"""What is known of each client at its cut: the features, and the last day from which each unit's come.

Every part joins the events of a client to its units and takes those up to the cut alone. All these events become
known when they happen, so the features equal those that the same function computes from `as_known(book, cut)`; a
test holds them to it. Birthdays and other personal data are no features, and neither are gifts.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import reduce

import ibis
import ibis.expr.types as ir
import pandas as pd

from salesops.book.scale import of_ten, surveys
from salesops.book.snapshot import as_known
from salesops.book.sold import sold_lines
from salesops.book.source import Book
from salesops.book.values import local_date
from salesops.metrics.contracts import contract_spans
from salesops.metrics.otif import due_lines
from salesops.models.rhythm import purchase_days, rhythms

RECENT = 90
HALF_YEAR = 180
YEAR = 365
RECORD_FROM = 8  # orders: the longest of a few gaps is soon passed
TALKS = ("call", "email", "meeting", "follow_up")

Part = Callable[[Book, date, ir.Table, int], ir.Table]


def features(book: Book, as_of: date, units: ir.Table, *, horizon_days: int) -> pd.DataFrame:
    """Return the features of each unit.

    Parameters
    ----------
    as_of : date
        A day on which all cuts have passed.
    units : ir.Table
        unit_id, account_id, cut, as `order_units` and `contract_units` give them.
    horizon_days : int
        Length of the stretch of last year that is compared.

    Returns
    -------
    pandas.DataFrame
        By unit_id: cut and known_until (dates: the last day on which anything that went into the features
        happened), and the columns that `dictionary.FEATURES` explains. What the book does not know is NaN.
    """
    known = as_known(book, as_of)
    keys = _with_last_order(known, as_of, units.select("unit_id", "account_id", "cut"))
    # the book as it stands: which contract is known to end hangs on whether the day is its last
    wanted = {part: book if part is _contracts else known for part in _parts(known)}
    parts = [part(asked, as_of, keys, horizon_days).to_pandas().set_index("unit_id") for part, asked in wanted.items()]
    # a unit whose client did nothing has its contracts alone, or nothing
    start: pd.DataFrame = keys.select("unit_id", "cut").to_pandas().set_index("unit_id")
    whole = reduce(lambda left, right: left.join(right, how="left"), parts, start).sort_index()
    seen = whole.filter(regex="^until").apply(pd.to_datetime).max(axis=1)
    whole = whole[[name for name in whole if not str(name).startswith("until")]]
    return _ratios(whole.assign(known_until=seen))


def _with_last_order(known: Book, as_of: date, units: ir.Table) -> ir.Table:
    """Add `since`: HALF_YEAR days before the last order up to the cut, or before the cut without one.

    What drove a silent client away lies before its silence: what it paid, how it was delivered, what it answered.
    """
    days = purchase_days(known, as_of)
    bought = days.filter(days.is_purchase).select(_account="account_id", day="day")
    both = units.inner_join(bought, [units.account_id == bought._account, bought.day <= units.cut])
    last = both.group_by(_unit="unit_id").aggregate(_last=both.day.max())
    joined = units.left_join(last, units.unit_id == last._unit)
    since = (ibis.coalesce(joined._last, joined.cut) - ibis.interval(days=HALF_YEAR)).cast("date")
    return joined.select("unit_id", "account_id", "cut", since=since)


def _parts(known: Book) -> list[Part]:
    needs: list[tuple[Part, tuple[str, ...]]] = [
        (_rhythm, ()),
        (_gaps, ()),
        (_assortment, ("order_lines",)),
        (_prices, ("order_lines",)),
        (_deliveries, ("deliveries",)),
        (_answers, ("survey_responses",)),
        (_talks, ("activities",)),
        (_owners, ("users",)),
        (_deals, ("opportunities",)),
        (_contracts, ("contracts",)),
    ]
    return [part for part, tables in needs if all(map(known.has, tables))]


def _up_to_cut(units: ir.Table, events: ir.Table) -> ir.Table:
    """Join events (account_id, day, …) to the units of their client, up to the cut; `age`: days before it."""
    events = events.rename(_account="account_id")
    both = units.inner_join(events, [units.account_id == events._account, events.day <= units.cut])
    return both.mutate(age=both.cut.delta(both.day, unit="day")).drop("_account")


def _rhythm(known: Book, as_of: date, units: ir.Table, horizon: int) -> ir.Table:
    both = _up_to_cut(units, purchase_days(known, as_of))
    bought, net = both.is_purchase, both.value.fill_null(0)
    sums = both.group_by("unit_id").aggregate(
        hiatus_days=both.age.min(where=bought),
        tenure_days=both.age.max(where=bought),
        orders=bought.sum(),
        orders_recent=(bought & (both.age < RECENT)).sum(),
        orders_last_year=(bought & (both.age < YEAR)).sum(),
        sales=net.sum(),
        sales_last_year=net.sum(where=both.age < YEAR).fill_null(0),
        sales_recent=net.sum(where=both.age < RECENT).fill_null(0),
        returned=-net.sum(where=~bought).fill_null(0),
        _season=(bought & (both.age < YEAR) & (both.age >= YEAR - horizon)).sum(),
        until_sales=both.day.max(),
    )
    a_year = sums.tenure_days >= YEAR - horizon
    return sums.mutate(season_orders=a_year.ifelse(sums._season, ibis.null("int64"))).drop("_season")


def _gaps(known: Book, as_of: date, units: ir.Table, horizon: int) -> ir.Table:
    return rhythms(purchase_days(known, as_of), units)


def _assortment(known: Book, as_of: date, units: ir.Table, horizon: int) -> ir.Table:
    families = known.table("products").select("product_id", "family")
    lines = _lines(known, as_of).inner_join(families, "product_id")
    both = _up_to_cut(units, lines.select("account_id", "day", "family"))
    return both.group_by("unit_id").aggregate(
        families=both.family.nunique(where=both.age < YEAR), families_before=both.family.nunique()
    )


def _prices(known: Book, as_of: date, units: ir.Table, horizon: int) -> ir.Table:
    """What the client paid in the half year up to its last order for what it had bought before, against that price."""
    both = _up_to_cut(units, _lines(known, as_of))
    recent = both.day > both.since
    sums = both.group_by("unit_id", "product_id", "currency").aggregate(
        now=both.net.sum(where=recent),
        units_now=both.quantity.sum(where=recent),
        price_before=both.net.sum(where=~recent) / both.quantity.sum(where=~recent),
    )
    known_before = sums.filter((sums.units_now > 0) & (sums.price_before > 0))
    at_old_prices = (known_before.units_now * known_before.price_before).sum()
    return known_before.group_by("unit_id").aggregate(price_change=known_before.now.sum() / at_old_prices - 1)


def _lines(known: Book, as_of: date) -> ir.Table:
    """Return what was bought by client, day and product, returns left out: quantity, net (own currency)."""
    return known.keep(("churn lines", as_of), lambda: _bought_lines(known))


def _bought_lines(known: Book) -> ir.Table:
    sold = sold_lines(known)
    bought = sold.filter((sold.units > 0) & sold.day.notnull() & sold.account_id.notnull())
    return bought.group_by("account_id", "day", "product_id", "currency").aggregate(
        quantity=bought.units.sum(), net=bought.net.sum()
    )


def _deliveries(known: Book, as_of: date, units: ir.Table, horizon: int) -> ir.Table:
    lines = known.keep(("churn due lines", as_of), lambda: _due(known, as_of))
    both = _up_to_cut(units, lines)
    recent = both.day > both.since
    return both.group_by("unit_id").aggregate(
        late_share=both.late.sum(where=recent) / both.lines.sum(where=recent).nullif(0),
        until_due=both.day.max(),
    )


def _due(known: Book, as_of: date) -> ir.Table:
    due = due_lines(known, as_of)
    lines = due.filter(due.account_id.notnull())
    return lines.group_by("account_id", day=lines.due_on).aggregate(
        lines=lines.count(), late=(~lines.otif).sum().fill_null(0)
    )


def _answers(known: Book, as_of: date, units: ir.Table, horizon: int) -> ir.Table:
    answers = surveys(known)
    answers = answers.mutate(day=local_date(answers.responded_at, known.config.time_zone), score=of_ten(answers))
    answers = answers.filter(answers.score.notnull() & answers.day.notnull())
    both = _up_to_cut(units, answers.select("account_id", "day", "score"))
    return both.group_by("unit_id").aggregate(
        lowest_score=both.score.min(where=both.day > both.since), until_answers=both.day.max()
    )


def _talks(known: Book, as_of: date, units: ir.Table, horizon: int) -> ir.Table:
    work = known.table("activities")
    day = local_date(work.completed_at, known.config.time_zone)
    done = work.mutate(day=day).filter(day.notnull() & work.type.isin(TALKS))
    both = _up_to_cut(units, done.select("account_id", "day"))
    sums = both.group_by("unit_id").aggregate(
        _talks=(both.age < RECENT).sum(), _silence=both.age.min(), until_talks=both.day.max()
    )
    return units.left_join(sums, "unit_id").select(
        "unit_id", "until_talks", talks=sums._talks.fill_null(0), talk_silence_days=sums._silence
    )


def _owners(known: Book, as_of: date, units: ir.Table, horizon: int) -> ir.Table:
    """Who sold to the client in the last year, and whether one of them has left."""
    orders, users = known.table("orders"), known.table("users")
    day = local_date(orders.ordered_at, known.config.time_zone)
    sold = orders.select("account_id", "owner_id", day=day)
    sold = sold.filter(sold.owner_id.notnull() & sold.day.notnull())
    left = users.filter(users.end_date.notnull()).select(_user="user_id", _left="end_date")
    sold = sold.left_join(left, sold.owner_id == left._user)
    both = _up_to_cut(units, sold)
    recent = both.age < YEAR
    return both.group_by("unit_id").aggregate(
        sellers=both.owner_id.nunique(where=recent),
        seller_left=(recent & (both._left <= both.cut).fill_null(False)).any().cast("int64"),
        until_left=both._left.max(where=both._left <= both.cut),
    )


def _deals(known: Book, as_of: date, units: ir.Table, horizon: int) -> ir.Table:
    """Open deals at the cut, and those won or lost shortly before it."""
    deals = known.table("opportunities")
    kept = deals.select("account_id", "is_closed", "is_won", "close_date", _created="created_date")
    kept = kept.filter(kept.account_id.notnull() & ~(kept.is_closed & kept.close_date.isnull()))
    kept = kept.mutate(day=kept._created.fill_null(ibis.date(1900, 1, 1)))
    both = _up_to_cut(units, kept)
    closed = (both.is_closed & (both.close_date <= both.cut)).fill_null(False)
    recent = closed & (both.cut.delta(both.close_date, unit="day") < RECENT)
    sums = both.group_by("unit_id").aggregate(
        _open=(~closed).sum(),
        _won=(recent & both.is_won).sum(),
        _lost=(recent & ~both.is_won).sum(),
        until_created=both._created.max(),
        until_closed=both.close_date.max(where=closed),
    )
    return units.left_join(sums, "unit_id").select(
        "unit_id",
        "until_created",
        "until_closed",
        open_deals=sums._open.fill_null(0),
        deals_won=sums._won.fill_null(0),
        deals_lost=sums._lost.fill_null(0),
    )


def _contracts(book: Book, as_of: date, units: ir.Table, horizon: int) -> ir.Table:
    """Contracts that run at the cut, those signed and those that ended by then. An end not known yet is none."""
    spans = contract_spans(book, as_of).filter(lambda t: t.start_date.notnull())
    both = _up_to_cut(units, spans.select("account_id", "end_date", "known_on", "until", day="start_date"))
    # who renews it later, and so bridges a gap, is not known at the cut
    runs = (both.until.isnull() | (both.until >= both.cut)) & (both.end_date.isnull() | (both.end_date >= both.cut))
    ended = ~runs & (both.cut.delta(ibis.least(both.until, both.end_date), unit="day") < YEAR)
    sums = both.group_by("unit_id").aggregate(
        _running=runs.sum(), _signed=both.count(), _ended=ended.sum(), newest_contract_days=both.age.min(),
        _ends=both.end_date.max(where=runs & (both.known_on <= both.cut)), until_signed=both.day.max(),
    )  # fmt: skip  # one line more would be four
    joined = units.left_join(sums, "unit_id")
    return joined.select(
        "unit_id", "until_signed", "newest_contract_days",
        under_contract=(joined._running.fill_null(0) > 0).cast("int64"),
        contracts_running=joined._running.fill_null(0),
        contracts_signed=joined._signed.fill_null(0),
        contracts_ended=joined._ended.fill_null(0),
        contract_days_left=joined._ends.delta(joined.cut, unit="day"),
    )  # fmt: skip  # as it is, then what it becomes


def _ratios(table: pd.DataFrame) -> pd.DataFrame:
    """Add what follows from other features. The gaps of a client with one purchase are those of the others."""
    usual = table.groupby("cut").gap_95.transform("median")
    before = (table.tenure_days - RECENT).where(table.tenure_days >= HALF_YEAR)
    expected = (table.orders - table.orders_recent) / before * RECENT
    sold = table.sales + table.returned
    return table.assign(
        hiatus_ratio=table.hiatus_days / table.gap_95.fillna(usual).clip(lower=1),
        record_ratio=(table.hiatus_days / table.longest_gap).where(table.orders >= RECORD_FROM),
        unevenness=table.longest_gap / table.median_gap,
        order_trend=table.orders_recent / expected.where(expected > 0) - 1,
        order_value=sold / table.orders.where(table.orders > 0),
        returns_share=table.returned / sold.where(sold > 0),
    )
