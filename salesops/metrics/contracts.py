"""Contracts: which runs, which renews which, what is retained of their money, and when accounts leave.

What counts, decided here once:

- A contract without an end runs on: it is never up for renewal.
- A contract is renewed by the one that `renewed_by_contract_id` names, if the book knows it. Else by a contract of the
  same account that starts within the grace around the end and ends later; before the end the grace is at most half
  the contract's own length. One that began earlier runs beside it, and renews nothing.
- A contract that was renewed lasts until the day before the next one starts, so that neither a gap within the grace
  nor an overlap moves money.
- A contract that ends while others of the account run is a downsell. When the last one ends, the account leaves.
- A contract has a term if it has an end, and a length or a notice. In a book most of whose running contracts with a
  length or a notice have no end, an end is a termination, and no contract has a term.
"""

from __future__ import annotations

import calendar
from datetime import date

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis import _

from salesops.book.horizon import is_last_day
from salesops.book.money import in_book_currency
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.periods import Period

GRACE_DAYS = 30
YEAR = 12  # months
ALWAYS, FOREVER = date(1000, 1, 1), date(9999, 12, 31)
COUNTS = ("accounts", "new_accounts", "reactivated", "lost")
AMOUNTS = ("amount", "new", "reactivation", "upgrade", "downgrade", "churn")
RATES = ("grr", "nrr", "grr_year", "nrr_year")


def contract_spans(book: Book, as_of: date, *, grace_days: int = GRACE_DAYS) -> ir.Table:
    """Return every contract that had begun by a day, with what became of it; one that ends before it starts is not in.

    `book` is the book as it stands: only it tells whether `as_of` is its last day.

    One that starts after `as_of` may renew another if it was signed by then; without a day of signing it is known
    ahead of its start on the last day of the book alone. An end that was not agreed at the start is known from its day
    of notice, without notice from the end itself: before that day the contract runs on. Amounts are converted once, on
    the day of the start.

    Returns
    -------
    ir.Table
        contract_id, account_id, owner_id; start_date, end_date (dates; null end: runs on); contract_term_months,
        notice_days (null where empty); term (boolean), known_on (date from which the end is known; null without
        one), action_date (date: end − notice, the start at the earliest; null without a term), due (date: end +
        grace); renewed_by (contract_id, null if none), renewed (boolean); until (last day that counts; null if it
        runs on); runs (boolean: until is null or not before `as_of`); outcome (runs, renewed, downsell, left, or
        waiting: ended, and its grace has not passed); annual_amount (in its own currency), currency, value (money;
        null without a rate or an amount), no_rate, others_run (booleans: another contract of the account runs on at its
        end).
    """
    known = as_known(book, as_of)
    return known.keep(("contract spans", grace_days), lambda: _spans(book, known, as_of, grace_days))


def renewal_rate(book: Book, period: Period, as_of: date, *, grace_days: int = GRACE_DAYS) -> ir.Table:
    """Return how many of the contracts that were up for renewal in a period were renewed: renewed ÷ up for renewal.

    Up for renewal is a contract with a term whose end lies in the period and whose grace has passed. The amount is
    that of the contract that ended, not of the next one.

    Returns
    -------
    ir.Table
        One row: up, renewed, downsell, left, waiting (counts; waiting is not in `up`), amount_up, amount_renewed
        (money), rate, amount_rate (fractions; null with none up).
    """
    spans = contract_spans(book, as_of, grace_days=grace_days)
    ended = spans.filter(spans.term & spans.end_date.between(period.start, period.end) & (spans.end_date < as_of))
    up = ended.due <= as_of
    counts = {name: (up & (ended.outcome == name)).sum().fill_null(0) for name in ("renewed", "downsell", "left")}
    sums = ended.aggregate(
        up=up.sum().fill_null(0),
        waiting=(~up).sum().fill_null(0),
        amount_up=ended.value.sum(where=up).fill_null(0),
        amount_renewed=ended.value.sum(where=up & ended.renewed).fill_null(0),
        **counts,
    )
    return sums.select(
        "up", "renewed", "downsell", "left", "waiting", "amount_up", "amount_renewed",
        rate=sums.renewed / sums.up.nullif(0),
        amount_rate=sums.amount_renewed / sums.amount_up.nullif(0),
    )  # fmt: skip  # the counts stand together


def account_spells(book: Book, as_of: date, *, grace_days: int = GRACE_DAYS) -> ir.Table:
    """Return the stretches in which each account had a contract: it leaves at the end of each that has ended.

    Returns
    -------
    ir.Table
        account_id, spell (0 for the first), started (date; null if not known), ended (date: the last day with a
        contract; null while one runs on or ends after `as_of`), due (date: ended + grace).
    """
    spans = contract_spans(book, as_of, grace_days=grace_days)
    rows = spans.select("account_id", "contract_id", start=spans.start_date.fill_null(ALWAYS), last=_last(spans.until))
    so_far = ibis.cumulative_window(group_by=rows.account_id, order_by=[rows.start, rows.contract_id])
    rows = rows.mutate(far=rows["last"].max().over(so_far))
    before = rows.far.lag().over(group_by=rows.account_id, order_by=[rows.start, rows.contract_id])
    # a contract that starts on the day after the others' last goes on
    rows = rows.mutate(fresh=(rows.start > _plus(before, 1)).fill_null(True).cast("int64"))
    so_far = ibis.cumulative_window(group_by=rows.account_id, order_by=[rows.start, rows.contract_id])
    spell = rows.fresh.sum().over(so_far) - 1
    spells = rows.mutate(spell=spell).group_by("account_id", "spell")
    sums = spells.aggregate(start=_.start.min(), last=_.far.max())
    ended = (sums["last"] < as_of).ifelse(sums["last"], ibis.null("date"))
    return sums.select(
        "account_id", "spell", started=sums.start.nullif(ibis.literal(ALWAYS)), ended=ended,
        due=_plus(ended, grace_days),
    )  # fmt: skip  # what it is, then its days


def recurring_by_month(book: Book, as_of: date, *, grace_days: int = GRACE_DAYS) -> ir.Table:
    """Return the yearly money under contract at the end of each month up to `as_of`, and what moved it.

    Each account is compared with itself at the end of the month before: it is new (its first contract), reactivated
    (it had left), lost (its last contract ended without a successor), or its amount went up (upgrade) or down
    (downgrade; a downsell is one). amount = amount of the month before + new + reactivation + upgrade − downgrade −
    churn. GRR is Σ of each account's amount now, at most that of before ÷ Σ of before; NRR is the same without the
    cap. Both count only the accounts of before, so that new and returning ones are in neither. Who comes and leaves
    within one month is in no row.

    Returns
    -------
    ir.Table
        By month: month (date, its last day); accounts, new_accounts, reactivated, lost (counts of accounts); amount,
        new, reactivation, upgrade, downgrade, churn (money a year, none below 0); grr, nrr (fractions against the
        month before; null without any), grr_year, nrr_year (against the same month a year before).
    """
    spans = contract_spans(book, as_of, grace_days=grace_days)
    ends = _month_ends(spans.start_date.min().to_pyarrow().as_py(), as_of)
    numbered = [pa.array(range(len(ends)), pa.int64()), pa.array(ends, pa.date32())]
    months = ibis.memtable(pa.table(numbered, ["n", "month"]))
    held = _held(spans, months)
    firsts = spans.group_by("account_id").aggregate(first=spans.start_date.fill_null(ALWAYS).min())
    moved, year = (_sums(_compared(held, firsts, months, back)) for back in (1, YEAR))
    year = year.select(_n="n", grr_year="grr", nrr_year="nrr")
    joined = months.left_join(moved, "n")
    joined = joined.left_join(year, joined.n == year._n)
    whole = {name: joined[name].fill_null(0) for name in (*COUNTS, *AMOUNTS)}
    return joined.mutate(**whole).select("month", *COUNTS, *AMOUNTS, *RATES).order_by("month")


def _spans(book: Book, known: Book, as_of: date, grace_days: int) -> ir.Table:
    last_day = is_last_day(book, as_of)
    signed = _signed(known, as_of, all_ends=last_day)
    begun = signed.filter(signed.start_date.isnull() | (signed.start_date <= as_of))
    ahead = signed.signed_date.notnull() | last_day
    followers = signed.filter(signed.start_date.isnull() | (signed.start_date <= as_of) | ahead)
    spans = _succeeded(begun, followers, grace_days)
    spans = spans.mutate(due=_plus(spans.end_date, grace_days), runs=spans.until.isnull() | (spans.until >= as_of))
    spans = spans.mutate(others_run=spans.contract_id.isin(_beside(spans).contract_id))
    ended = spans.others_run.ifelse("downsell", "left")
    outcome = ibis.cases((spans.runs, "runs"), (spans.renewed, "renewed"), (spans.due > as_of, "waiting"), else_=ended)
    priced = in_book_currency(known, spans.mutate(outcome=outcome), "annual_amount", spans.start_date.fill_null(as_of))
    return priced.select(
        "contract_id", "account_id", "owner_id", "start_date", "end_date", "contract_term_months", "notice_days",
        "term", "known_on", "action_date", "due", "renewed_by", "renewed", "until", "runs", "outcome", "annual_amount",
        "currency", "value", "no_rate", "others_run",
    )  # fmt: skip  # three lines read better than twenty


def _signed(known: Book, as_of: date, *, all_ends: bool) -> ir.Table:
    """Return the contracts with term, known_on and action_date; an end not known yet is null unless `all_ends`."""
    contracts = known.table("contracts")
    dated = contracts.filter(contracts.contract_id.notnull() & contracts.account_id.notnull())
    dated = dated.filter(~(dated.end_date < dated.start_date).fill_null(False))
    agreed = dated.contract_term_months.notnull() | dated.notice_days.notnull()
    term = agreed & dated.end_date.notnull() & ibis.literal(not _ends_are_terminations(dated, agreed, as_of))
    start = dated.start_date.fill_null(ALWAYS)
    told = _back(dated.end_date, dated.notice_days.fill_null(0).round().cast("int64").clip(lower=0))
    known_on = ibis.greatest(start, term.ifelse(start, told))
    rows = dated.mutate(
        term=term,
        known_on=dated.end_date.notnull().ifelse(known_on, ibis.null("date")),
        action_date=term.ifelse(ibis.greatest(told, start), ibis.null("date")),
    )
    if all_ends:
        return rows
    return rows.mutate(end_date=(rows.known_on <= as_of).ifelse(rows.end_date, ibis.null("date")))


def _ends_are_terminations(dated: ir.Table, agreed: ir.BooleanValue, as_of: date) -> bool:
    """Tell whether most running contracts with a length or a notice have no end: then an end was never agreed."""
    begun = dated.start_date.isnull() | (dated.start_date <= as_of)
    running = agreed & begun & (dated.end_date.isnull() | (dated.end_date >= as_of))
    share = dated.end_date.isnull().mean(where=running).to_pyarrow().as_py()
    return share is not None and share > 0.5


def _succeeded(contracts: ir.Table, followers: ir.Table, grace_days: int) -> ir.Table:
    """Add renewed_by, renewed and until."""
    next_ones = followers.select(
        _next="contract_id", _account="account_id", _start="start_date", _end=_last(followers.end_date)
    )
    named = contracts.inner_join(next_ones, contracts.renewed_by_contract_id == next_ones._next)
    others = contracts.anti_join(named.select("contract_id"), "contract_id")
    half = (others.end_date.delta(others.start_date, unit="day") / 2).floor().cast("int64")
    others = others.mutate(_early=ibis.least(half.fill_null(grace_days), grace_days))
    both = others.inner_join(
        next_ones, [others.account_id == next_ones._account, others.contract_id != next_ones._next]
    )
    near = both._start.between(_back(both.end_date, both._early), _plus(both.end_date, grace_days))
    later = (both._start > both.start_date.fill_null(ALWAYS)) & (both._end > both.end_date)
    every = ibis.union(*(t.select("contract_id", "_next", "_start") for t in (named, both.filter(near & later))))
    first = every.group_by(_renewed="contract_id").aggregate(
        renewed_by=every._next.first(order_by=[every._start, every._next]), _from=every._start.min()
    )
    joined = contracts.left_join(first, contracts.contract_id == first._renewed)
    before = _plus(ibis.greatest(joined._from, joined.start_date), -1)
    until = joined._from.isnull().ifelse(joined.end_date, before)
    return joined.mutate(renewed=joined.renewed_by.notnull(), until=until).drop("_renewed", "_from")


def _beside(spans: ir.Table) -> ir.Table:
    """Return the contracts at whose end another one of the account runs."""
    others = spans.select(
        _account="account_id", _other="contract_id", _start=spans.start_date.fill_null(ALWAYS), _last=_last(spans.until)
    )
    both = spans.inner_join(others, [spans.account_id == others._account, spans.contract_id != others._other])
    return both.filter((both._start <= both.until) & (both._last > both.until)).select("contract_id").distinct()


def _held(spans: ir.Table, months: ir.Table) -> ir.Table:
    """Return account_id, n (of the month) and amount of each account with a contract at the end of a month."""
    on = months.month
    both = spans.join(months, [spans.start_date.fill_null(ALWAYS) <= on, _last(spans.until) >= on])
    return both.group_by("account_id", "n").aggregate(amount=both.value.sum().fill_null(0))


def _compared(held: ir.Table, firsts: ir.Table, months: ir.Table, back: int) -> ir.Table:
    """Return each account and month with its amount now and `back` months before; null where it had no contract."""
    none = ibis.null("float64")
    now = held.select("account_id", "n", amount="amount", before=none)
    then = held.select("account_id", n=held.n + back, amount=none, before="amount")
    every = ibis.union(now, then).group_by("account_id", "n").aggregate(amount=_.amount.max(), before=_.before.max())
    start = months.select(_n=months.n + back, _day="month")
    every = every.left_join(start, every.n == start._n).drop("_n")
    every = every.left_join(firsts, "account_id")
    return every.mutate(again=(every["first"] <= every._day).fill_null(False)).drop("_day", "first", "account_id_right")


def _sums(moved: ir.Table) -> ir.Table:
    now, before = moved.amount.notnull(), moved.before.notnull()
    both, change = now & before, moved.amount - moved.before
    kept = ibis.least(moved.amount, moved.before)
    sums = moved.group_by("n").aggregate(
        accounts=now.sum(),
        new_accounts=(now & ~before & ~moved.again).sum(),
        reactivated=(now & ~before & moved.again).sum(),
        lost=(before & ~now).sum(),
        amount=moved.amount.sum(),
        new=moved.amount.sum(where=~before & ~moved.again),
        reactivation=moved.amount.sum(where=~before & moved.again),
        upgrade=change.sum(where=both & (change > 0)),
        downgrade=-change.sum(where=both & (change < 0)),
        churn=moved.before.sum(where=~now),
        _before=moved.before.sum(),
        _kept=kept.sum(where=both),
        _now=moved.amount.sum(where=both),
    )
    whole = sums._before.nullif(0)
    return sums.mutate(grr=sums._kept.fill_null(0) / whole, nrr=sums._now.fill_null(0) / whole)


def _month_ends(first: date | None, as_of: date) -> list[date]:
    """Return the last days of the months from that of `first` on that are not after `as_of`."""
    if first is None:
        return []
    found, year, month = [], first.year, first.month
    while (end := date(year, month, calendar.monthrange(year, month)[1])) <= as_of:
        found.append(end)
        year, month = (year + month // 12, month % 12 + 1)
    return found


def _last(day: ir.Value) -> ir.Value:
    return day.fill_null(ibis.literal(FOREVER))


def _plus(day: ir.Value, days: int) -> ir.Value:
    return (day + ibis.interval(days=days)).cast("date")


def _back(day: ir.Value, days: ir.Value) -> ir.Value:
    return (day - days.as_interval("D")).cast("date")
