"""One rep's accountability report: the pace, the open deals, and what must close to make the goal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from salesops.book.lines import report_users, usual_measure
from salesops.book.people import people_in, team_of, user_names
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.errors import BookError, did_you_mean
from salesops.metrics.activities import completions_known, on_time_activities
from salesops.metrics.attainment import attainment
from salesops.metrics.conversion import stage_conversion, stages_need
from salesops.metrics.pipeline import open_deals
from salesops.metrics.unrated import unrated
from salesops.metrics.win_rate import win_rate
from salesops.models.account_orders import account_orders
from salesops.models.day_by_day import day_by_day, fan
from salesops.models.intervals import with_interval
from salesops.models.make_it import NOT_KNOWN, chance_results, make_it
from salesops.models.promises import judged_commitments
from salesops.models.silence import ended_within
from salesops.periods import Period


@dataclass(frozen=True)
class RepAccountability:
    """Everything that a rep's page states. It holds no other rep's customers.

    Attributes
    ----------
    lines : pandas.DataFrame
        The rep's own lines, as `metrics.attainment` gives them.
    days : pandas.DataFrame
        Of the first line, as `models.day_by_day.day_by_day` gives them.
    fan : pandas.DataFrame
        Where it will stand, as `models.day_by_day.fan` gives it.
    deals : pandas.DataFrame
        The rep's open deals, as `metrics.pipeline.open_deals` gives them; `needed`: part of `must_close`.
    must_close : pandas.DataFrame
        The fewest open deals due in the period whose amounts reach the gap; all of them if they do not. None where
        the goal is a rollup: the deals that make it are those of the team. None where the period is over.
    conversion : pandas.DataFrame
        stage_name, who ("You" or "Team"), entered, advanced, lost, still_open, conversion, low, high (95%).
    wins : dict
        won, lost, decided, win_rate of the rep in the period; team_rate.
    activities : dict
        due, on_time, late, not_done, on_time_rate; team_rate.
    has_deals : bool
        Whether the book holds opportunities.
    stages_need : str
        What stage conversion lacks, in words; "" if nothing.
    p_make_it : tuple of float
        Chance to make the goal of the first line (0–1), and its range; NaN if unknown, and once the period is over.
    no_chance : str
        Why there is no chance, as a sentence; "" if there is one.
    unrated : pandas.DataFrame
        As `metrics.unrated` gives it: what the actual leaves out for want of a rate.
    judged : pandas.DataFrame
        The rep's commitments due in the period or pending.
    ended_on : date or None
        The last day of which the first line's measure tells anything, where its source ends before the period does.
    has_activities, has_commitments : bool
        Whether the book says which activities were done, and holds commitments: else nothing is known of them, which
        is not 0.
    accounts : pandas.DataFrame or None
        As `models.account_orders` gives it, where the first line counts orders; else None.
    """

    company: str
    currency: str
    period: Period
    as_of: date
    user_id: str
    user_name: str
    manager_id: str
    manager_name: str
    lines: pd.DataFrame
    days: pd.DataFrame
    fan: pd.DataFrame
    deals: pd.DataFrame
    must_close: pd.DataFrame
    conversion: pd.DataFrame
    wins: dict[str, Any]
    activities: dict[str, Any]
    unrated: pd.DataFrame
    judged: pd.DataFrame
    has_deals: bool
    stages_need: str
    p_make_it: tuple[float, float, float]
    no_chance: str
    ended_on: date | None = None
    has_activities: bool = True
    has_commitments: bool = True
    accounts: pd.DataFrame | None = None

    @property
    def over(self) -> bool:
        """Whether the period is over, so that nothing can still close in it."""
        return self.as_of >= self.period.end

    @property
    def line(self) -> dict[str, Any]:
        """The line that the headline speaks of: the rep's own goal, the largest if there are several."""
        return self._rows()[0]

    @property
    def other_lines(self) -> list[dict[str, Any]]:
        """The rep's own lines in the measures that the headline does not speak of."""
        return [row for row in self._rows()[1:] if not row["is_rollup"] and row["measure"] != self.line["measure"]]

    def _rows(self) -> list[dict[str, Any]]:
        return [{str(key): None if _missing(value) else value for key, value in row.items()}
                for row in self.lines.to_dict("records")]  # fmt: skip  # one list

    @property
    def covered(self) -> bool:
        """Whether the open deals due in the period could close the gap."""
        gap = self.line["gap"]
        return gap is not None and float(self.must_close.amount.sum()) >= gap

    def results(self) -> dict[str, Any]:
        """Return the numbers of the report as JSON can hold them."""
        line, due = self.line, self.judged[self.judged.due_in_period]
        return {
            "user_id": self.user_id,
            "user_name": self.user_name,
            "manager_id": self.manager_id or None,
            **{name: line[name] for name in ("measure", "quota", "booked", "gap", "attainment", "pace")},
            **chance_results(self.p_make_it),
            "decided": float(self.wins["decided"]) if self.has_deals else None,
            "win_rate": self.wins["win_rate"],
            "open_deals": len(self.deals) if self.has_deals else None,
            "must_close": len(self.must_close) if self.has_deals else None,
            "on_time_rate": self.activities["on_time_rate"] if self.has_activities else None,
            "commitments_kept": int(due.verdict.isin(["kept", "declared"]).sum()) if self.has_commitments else None,
            "commitments_missed": int((due.verdict == "missed").sum()) if self.has_commitments else None,
            "commitments_moved": int(due.moved.sum()) if self.has_commitments else None,
        }


def rep_accountability(book: Book, rep: str, period: Period, as_of: date, *, manager: str = "") -> RepAccountability:
    """Put together the report of one person for a period, as known on `as_of`.

    Parameters
    ----------
    rep : str
        Id or name of a person on the report's lines; "" takes the first by name.
    manager : str
        Id or name: the person must be on this manager's team; "" means any.

    Raises
    ------
    BookError
        If nobody on the report has this id or name, or several have the name.
    """
    user_id, user_name = find_rep(book, rep, period, as_of, manager=manager)
    everyone = attainment(book, period, as_of)
    lines = everyone.filter(everyone.user_id == user_id).to_pandas()
    usual = usual_measure(as_known(book, as_of), period)
    lines = lines.assign(_other=lines.measure != usual).sort_values(
        ["is_rollup", "quota", "_other"], ascending=[True, False, True], ignore_index=True
    )
    deals = open_deals(book, as_of, users=(user_id,)).to_pandas()
    due = deals[pd.to_datetime(deals.close_date).between(pd.Timestamp(period.start), pd.Timestamp(period.end))]
    chances = make_it(book, period, as_of)
    forecast = not lines.is_rollup.iloc[0] and lines.measure.iloc[0] == chances.measure
    # the deals of a team's goal are on the pages of others
    closable = not lines.is_rollup.iloc[0] and as_of < period.end
    must_close = fewest(due, float(lines.gap.iloc[0]) if closable else 0.0)
    measure = str(lines.measure.iloc[0])
    return RepAccountability(
        company=book.company,
        currency=book.currency,
        period=period,
        as_of=as_of,
        user_id=user_id,
        user_name=user_name,
        manager_id=str(lines.manager_id.fillna("").iloc[0]),
        manager_name=str(user_names(book).get(lines.manager_id.iloc[0], "")),
        lines=lines.drop(columns="_other"),
        days=_days(book, lines.iloc[0], period, as_of),
        fan=_fan(book, lines.iloc[0], period, as_of),
        deals=deals.assign(needed=deals.opportunity_id.isin(must_close.opportunity_id)),
        must_close=must_close,
        conversion=_conversion(book, user_id, period, as_of),
        wins=_against_team(win_rate(book, period, as_of), user_id, "won", "decided", "lost", "win_rate"),
        activities=_against_team(
            on_time_activities(book, period, as_of), user_id, "on_time", "due", "late", "not_done", "on_time_rate"
        ),
        unrated=_unrated(book, lines.iloc[0], period, as_of),
        has_deals=book.has("opportunities"),
        stages_need=stages_need(book),
        p_make_it=chances.of(user_id) if forecast else NOT_KNOWN,
        no_chance=chances.why_not,
        judged=judged_commitments(book, period, as_of, (user_id,)),
        ended_on=ended_within(book, measure, period, as_of),
        has_activities=completions_known(book, as_of),
        has_commitments=book.has("commitments"),
        accounts=account_orders(book, period, as_of, users=(user_id,)) if measure == "orders" else None,
    )


def _missing(value: Any) -> bool:
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def find_rep(book: Book, rep: str, period: Period, as_of: date, *, manager: str = "") -> tuple[str, str]:
    """Return (user_id, user_name) of a person on the report's lines, by id or by name; "" gives the first."""
    people = report_users(book, period, as_of, manager=manager)
    found = [person for person in people if rep in ("", person[0])] or [
        person for person in people if person[1].casefold() == rep.casefold()
    ]
    if not people:
        raise BookError(f"Nobody has a line on the report for {period}. Choose another period, or another manager.")
    if not found:
        raise BookError(
            f"Nobody on the report for {period} is called '{rep}'. {did_you_mean(rep, [p[1] for p in people])}"
        )
    if rep and len(found) > 1:
        raise BookError(f"{len(found)} people are called '{rep}'. Use the id: {', '.join(p[0] for p in found)}.")
    return found[0]


def fewest(deals: pd.DataFrame, gap: float) -> pd.DataFrame:
    """Return the fewest deals whose amounts reach the gap, largest first; all with an amount if they do not."""
    ranked = deals[deals.amount > 0].sort_values(["amount", "opportunity_id"], ascending=[False, True])
    if not gap > 0:
        return ranked.head(0)
    before = ranked.amount.cumsum() - ranked.amount
    return ranked[before < gap]


def _unrated(book: Book, line: pd.Series, period: Period, as_of: date) -> pd.DataFrame:
    users = _line_users(book, line, period, as_of)
    found: pd.DataFrame = unrated(book, period, as_of, measure=line.measure, users=users).to_pandas()
    return found


def _days(book: Book, line: pd.Series, period: Period, as_of: date) -> pd.DataFrame:
    users, measure = _line_users(book, line, period, as_of), str(line.measure)
    return day_by_day(book, period, as_of, users=users, measure=measure, quota=line.quota)


def _fan(book: Book, line: pd.Series, period: Period, as_of: date) -> pd.DataFrame:
    return fan(book, period, as_of, measure=str(line.measure), users=_line_users(book, line, period, as_of))


def _line_users(book: Book, line: pd.Series, period: Period, as_of: date) -> tuple[str, ...]:
    """Return whose actual a line has: a rollup line has that of the whole team."""
    if line.is_rollup:
        return team_of(people_in(as_known(book, as_of), period), line.user_id)
    return (str(line.user_id),)


def _conversion(book: Book, user_id: str, period: Period, as_of: date) -> pd.DataFrame:
    own = stage_conversion(book, period, as_of, users=(user_id,)).to_pandas().assign(who="You")
    team = stage_conversion(book, period, as_of).to_pandas().assign(who="Team")
    return with_interval(pd.concat([own, team], ignore_index=True), "advanced", "lost")


def _against_team(table: ir.Table, user_id: str, part: str, whole: str, *others: str) -> dict[str, Any]:
    """One person's figures, and team_rate: the team's part ÷ whole (None if that is 0)."""
    found = table.select("user_id", part, whole, *others).to_pyarrow()
    own = next(row for row in found.to_pylist() if row["user_id"] == user_id)
    parts, wholes = (found[name].to_numpy().sum() for name in (part, whole))
    return {**own, "team_rate": float(parts / wholes) if wholes else None}
