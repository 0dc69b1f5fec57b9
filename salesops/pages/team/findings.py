"""The team's accountability report: goal, actual, gap, promises, and the three talks to have first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from salesops.book.credits import credited_deals, credited_orders
from salesops.book.lines import usual_measure
from salesops.book.people import people_in, team_of, user_id_of, user_names
from salesops.book.snapshot import UnknownThen, as_known, unknown_then
from salesops.book.source import Book
from salesops.metrics.attainment import attainment, house_sales
from salesops.metrics.pipeline import coverage, coverage_state, open_deals, pipeline
from salesops.metrics.unrated import unrated
from salesops.models.account_orders import account_orders
from salesops.models.chance import chance_of_attaining
from salesops.models.day_by_day import day_by_day, fan, year_before
from salesops.models.make_it import MakeIt, chance_results, make_it
from salesops.models.promises import judged_commitments
from salesops.models.results import FINE, plain, plain_value
from salesops.models.silence import ended_within
from salesops.pages.team.exceptions import exceptions
from salesops.pages.team.teams import teams_of
from salesops.periods import Period

LINE_FIELDS = (
    "user_id",
    "user_name",
    "role",
    "measure",
    "is_rollup",
    "quota",
    "booked",
    "gap",
    "attainment",
    "p_make_it",
)


_READ = ("opportunities", "orders", "commitments", "opportunity_history")


@dataclass(frozen=True)
class TeamAccountability:
    """Everything that page one of the team's report states.

    Attributes
    ----------
    manager : str
        Whose team it is, by name; "" means everyone.
    lines : pandas.DataFrame
        The columns of `metrics.attainment`, largest gap first, lines without a quota last; and due_amount,
        due_weighted (open deals due in the period), coverage and weighted_coverage (each ÷ gap),
        coverage_state (open, met, no quota), p_make_it (chance to make the goal, 0–1, NaN if unknown), successor
        (who has the goal of someone who left), promise_* (the
        next pending commitment: metric, target, subject, due, with), kept, missed, moved (commitments due in
        the period).
    totals : pandas.DataFrame
        One row a measure, as `metrics.attainment` by team gives it.
    measure : str
        The measure that the headline speaks of: the one with the largest goal.
    before : dict or None
        The totals of the previous period in that measure; None without any line then.
    house : dict
        Orders without owner: booked, deals, no_rate.
    judged : pandas.DataFrame
        Commitments due in the period or pending, with owner_name, agreed_with_name and subject_name.
    exceptions : pandas.DataFrame
        As `models.exceptions.exceptions` gives them; three rows or fewer.
    make_it : MakeIt
        The chance of each rep, and of all together, to make the goal; none where the period is over.
    chance : float
        Share of reps that would make an exactly right quota by luck alone; NaN if unknown.
    unrated : pandas.DataFrame
        As `metrics.unrated` gives it: what the headline's actual leaves out for want of a rate.
    unknown_then : UnknownThen
        What the book does not know of the deals as they stood on `as_of`.
    ended_on : date or None
        The last day of which the headline's measure tells anything, where its source ends before the period does.
    tables : tuple of str
        Of opportunities, orders, commitments and opportunity_history, those that the book has: of what is in none of
        them nothing is known, which is not 0.
    accounts : pandas.DataFrame or None
        As `models.account_orders` gives it, where the headline counts orders; else None.
    teams : pandas.DataFrame
        As `teams_of` gives them; empty where all lines are of one team.
    days, fan : pandas.DataFrame
        The whole team in the headline's measure, as `models.day_by_day` gives them.
    """

    company: str
    manager: str
    currency: str
    period: Period
    as_of: date
    lines: pd.DataFrame
    totals: pd.DataFrame
    measure: str
    before: dict[str, Any] | None
    house: dict[str, float]
    judged: pd.DataFrame
    exceptions: pd.DataFrame
    make_it: MakeIt
    chance: float
    unrated: pd.DataFrame
    unknown_then: UnknownThen
    teams: pd.DataFrame
    days: pd.DataFrame
    fan: pd.DataFrame
    ended_on: date | None = None
    tables: tuple[str, ...] = _READ
    accounts: pd.DataFrame | None = None

    @property
    def total(self) -> dict[str, Any]:
        """The totals in the headline's measure."""
        rows = self.totals[self.totals.measure == self.measure]
        return plain(rows.iloc[0].to_dict(), decimals=FINE) if len(rows) else {}

    @property
    def own(self) -> pd.DataFrame:
        """The lines of the headline's measure without rollups: those that add up to its total."""
        return of_measure(self.lines, self.measure)

    @property
    def other_totals(self) -> list[dict[str, Any]]:
        """The totals in the measures that the headline does not speak of."""
        rows = self.totals[self.totals.measure != self.measure]
        return [plain(row, decimals=FINE) for row in rows.to_dict("records")]

    @property
    def other_lines(self) -> pd.DataFrame:
        """The lines with a quota in a measure that the headline does not speak of."""
        own = ~self.lines.is_rollup & (self.lines.measure != self.measure)
        return self.lines[own & self.lines.quota.notna()]

    def results(self) -> dict[str, Any]:
        """Return the numbers of the report as JSON can hold them: no NaN, no infinity."""
        total = self.total
        due, promised = self.judged[self.judged.due_in_period], "commitments" in self.tables
        return {
            "measure": self.measure,
            "quota": total.get("quota"),
            "booked": total.get("booked", 0.0),
            "gap": total.get("gap"),
            "attainment": total.get("attainment"),
            **chance_results(self.make_it.team),
            "reps": int(self.lines.user_id[~self.lines.is_rollup].nunique()),
            "reps_attained": int(total["lines_attained"]) if total.get("lines_with_quota") else None,
            "commitments_kept": int(due.verdict.isin(["kept", "declared"]).sum()) if promised else None,
            "commitments_missed": int((due.verdict == "missed").sum()) if promised else None,
            "house_sales": plain_value(self.house["booked"], decimals=FINE) if "orders" in self.tables else None,
            "totals": [
                plain({k: row[k] for k in ("measure", "quota", "booked", "gap", "attainment")}, decimals=FINE)
                for row in self.totals.to_dict("records")
            ],
            "rows": [plain({k: row[k] for k in LINE_FIELDS}, decimals=FINE) for row in self.lines.to_dict("records")],
        }


def team_accountability(book: Book, period: Period, as_of: date, *, manager: str = "") -> TeamAccountability:
    """Put together the team's report for a period, as known on `as_of`.

    Parameters
    ----------
    manager : str
        Id or name: this manager and everyone below; "" means all.
    """
    lines = _with_pipeline(
        attainment(book, period, as_of, manager=manager), pipeline(book, period, as_of, manager=manager)
    )
    users = tuple(lines.user_id.unique())
    totals = attainment(book, period, as_of, by="team", manager=manager).to_pandas()
    measure = _headline_measure(book, period, totals)
    judged = judged_commitments(book, period, as_of, users)
    lines = _with_promises(lines, judged)
    chances = make_it(book, period, as_of, team=tuple(lines.user_id[~lines.is_rollup].unique())).of_measure(measure)
    forecast = ~lines.is_rollup & (lines.measure == chances.measure) & (lines.quota > 0)
    lines["p_make_it"] = lines.user_id.map(chances.reps.chance).where(forecast).astype(float)
    lines["successor"] = _successors(book, lines, as_of)
    lines = _worklist(lines)
    deals = open_deals(book, as_of, users=users).to_pandas()
    own = tuple(lines.user_id[~lines.is_rollup])
    return TeamAccountability(
        company=book.company,
        manager=user_names(book).get(user_id_of(book.table("users"), manager)) or manager if manager else "",
        currency=book.currency,
        period=period,
        as_of=as_of,
        lines=lines,
        totals=totals,
        measure=measure,
        before=_before(book, period, as_of, manager, measure),
        house=house_sales(book, period, as_of).to_pandas().iloc[0].to_dict(),
        judged=judged,
        exceptions=exceptions(lines, judged, deals, period, as_of),
        make_it=chances,
        unrated=unrated(book, period, as_of, measure=measure, users=own).to_pandas(),
        unknown_then=unknown_then(book, as_of),
        teams=teams_of(book, of_measure(lines, measure), period, as_of, measure=measure),
        days=_days(book, period, as_of, manager, measure, totals),
        fan=fan(book, period, as_of, measure=measure, users=own if manager else None),
        chance=chance_alone(book, period, as_of, lines, measure),
        ended_on=ended_within(book, measure, period, as_of),
        tables=tuple(name for name in _READ if book.has(name)),
        accounts=account_orders(book, period, as_of, users=own) if measure == "orders" else None,
    )


def of_measure(lines: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return the lines of a measure without rollups."""
    return lines[~lines.is_rollup & (lines.measure == measure)]


def chance_alone(book: Book, period: Period, as_of: date, lines: pd.DataFrame, measure: str) -> float:
    """Return what share of reps would make an exactly right quota, from the deals of the year before `as_of`."""
    known = as_known(book, as_of)
    if measure == "bookings":
        rows = credited_deals(known)
        rows = rows.filter(rows.is_won).select("user_id", "credited", "share", day="close_date")
    else:
        rows = credited_orders(known).select("user_id", "credited", "share", day="ordered_on")
    end = period.cut(as_of)
    year = rows.filter(rows.day.between(end - timedelta(days=364), end)).to_pandas()
    year = year[year.user_id.isin(lines.user_id[~lines.is_rollup]) & (year.credited > 0)]
    if year.empty:
        return float("nan")
    each = year.share.sum() / year.user_id.nunique() * period.days / 365
    return chance_of_attaining(year.credited, each)


def _headline_measure(book: Book, period: Period, totals: pd.DataFrame) -> str:
    if totals.quota.notna().any():
        return str(totals.sort_values("quota", na_position="first").measure.iloc[-1])
    return usual_measure(book, period)


def _before(book: Book, period: Period, as_of: date, manager: str, measure: str) -> dict[str, Any] | None:
    earlier = period.previous()
    table = attainment(book, earlier, min(as_of, earlier.end), by="team", manager=manager).to_pandas()
    rows = table[table.measure == measure]
    return plain(rows.iloc[0].to_dict(), decimals=FINE) if len(rows) else None


def _days(book: Book, period: Period, as_of: date, manager: str, measure: str, totals: pd.DataFrame) -> pd.DataFrame:
    """Day by day, beside the team of the year before: those who reported to the manager then."""
    known, goals = as_known(book, as_of), totals.quota[totals.measure == measure]
    year_ago = year_before(period)
    now, then = (_team(known, span, manager) for span in (period, year_ago))
    return day_by_day(
        book, period, as_of, users=now, measure=measure, quota=None if goals.empty else goals.iloc[0], before=then
    )


def _team(known: Book, period: Period, manager: str) -> tuple[str, ...]:
    people = people_in(known, period)
    return team_of(people, manager) if manager else tuple(people.user_id.to_pyarrow().to_pylist())


def _with_pipeline(lines: ir.Table, open_: ir.Table) -> pd.DataFrame:
    wanted = ("open_deals", "open_amount", "due_deals", "due_amount", "due_weighted", "overdue_deals")
    both = lines.left_join(open_.select(*wanted, _user="user_id"), lines.user_id == open_.user_id).drop("_user")
    covered: pd.DataFrame = both.mutate(
        coverage=coverage(both.due_amount, both.gap),
        weighted_coverage=coverage(both.due_weighted, both.gap),
        coverage_state=coverage_state(both.gap),
    ).to_pandas()
    return covered


def _with_promises(lines: pd.DataFrame, judged: pd.DataFrame) -> pd.DataFrame:
    pending = judged[judged.verdict == "pending"].drop_duplicates("owner_id")
    wanted = {
        "metric": "promise_metric",
        "target": "promise_target",
        "subject_name": "promise_subject",
        "due_date": "promise_due",
        "agreed_with_name": "promise_with",
    }
    promises = pending[["owner_id", *wanted]].rename(columns=wanted)
    due = judged[judged.due_in_period]
    counts = pd.DataFrame(
        {
            "kept": due.verdict.isin(["kept", "declared"]).groupby(due.owner_id).sum(),
            "missed": (due.verdict == "missed").groupby(due.owner_id).sum(),
            "moved": due.moved.groupby(due.owner_id).sum(),
        }
    )
    both = lines.merge(promises, left_on="user_id", right_on="owner_id", how="left").drop(columns="owner_id")
    return both.assign(
        **{name: both.user_id.map(counts[name]).fillna(0).astype(int) for name in ("kept", "missed", "moved")}
    )


def _successors(book: Book, lines: pd.DataFrame, as_of: date) -> pd.Series:
    """Name who has the goal of someone who left: the manager, or "nobody yet" if that one left too."""
    users = book.table("users").select("user_id", "user_name", "end_date").to_pandas()
    here = users[~(pd.to_datetime(users.end_date) <= pd.Timestamp(as_of))]
    names = here.set_index("user_id").user_name
    left = pd.to_datetime(lines.end_date) <= pd.Timestamp(as_of)
    heads = lines.manager_id.map(names).fillna("nobody yet")
    return heads.where(left & lines.quota.notna() & ~lines.is_rollup, "")


def _worklist(lines: pd.DataFrame) -> pd.DataFrame:
    order = lines.assign(_none=lines.gap.isna(), _gap=-lines.gap.fillna(0))
    order = order.sort_values(["is_rollup", "_none", "_gap", "user_name", "user_id", "measure"], ignore_index=True)
    return order.drop(columns=["_none", "_gap"])
