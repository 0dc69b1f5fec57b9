"""The teams below a director: each with its goal, actual, chance and promises."""

from __future__ import annotations

from datetime import date

import pandas as pd

from salesops.book.people import user_names
from salesops.book.source import Book
from salesops.models.make_it import make_it
from salesops.periods import Period


def teams_of(book: Book, own: pd.DataFrame, period: Period, as_of: date, *, measure: str) -> pd.DataFrame:
    """Return a row for each team of some lines, the largest gap first; no row where all are of one.

    A team is who reports to the same manager; a manager with a line of their own and people below counts among these.

    Parameters
    ----------
    own : pandas.DataFrame
        Lines of one measure without rollups, as `TeamAccountability.own` has them.

    Returns
    -------
    pandas.DataFrame
        team_id (the manager's user_id, "" for people without one), team_name, people, with_goal, made (counts), quota,
        booked, gap (money; NaN without a goal), attainment, p_make_it (0–1; NaN if unknown), kept, missed (commitments
        due in the period).
    """
    heads = team_ids(own)
    if heads.nunique() < 2 or heads.value_counts().max() < 2 or not (own.quota > 0).any():
        return pd.DataFrame(columns=["team_id"])
    names = user_names(book)
    rows = []
    for head, lines in own.groupby(heads, sort=True):
        quota, booked = lines.quota.sum(min_count=1), lines.booked.sum()
        chance = make_it(book, period, as_of, team=tuple(lines.user_id.unique())).of_measure(measure).team[0]
        people = lines.drop_duplicates("user_id")
        rows.append(
            {
                "team_id": head,
                "team_name": names.get(str(head)) or head or "Without a manager",
                "people": len(people),
                "with_goal": int(lines.quota.notna().sum()),
                "made": int(((lines.quota > 0) & (lines.booked >= lines.quota)).sum()),
                "quota": quota,
                "booked": booked,
                "gap": quota - booked,
                "attainment": booked / quota if quota > 0 else float("nan"),
                "p_make_it": chance,
                "kept": int(people.kept.sum()),
                "missed": int(people.missed.sum()),
            }
        )
    found = pd.DataFrame(rows)
    by = ["gap", "team_name", "team_id"]
    ordered: pd.DataFrame = found.sort_values(by, ascending=[False, True, True], ignore_index=True)
    return ordered


def team_ids(own: pd.DataFrame) -> pd.Series[str]:
    """Return whose team each line belongs to: the user_id of the manager, "" without one."""
    heads = own.manager_id.fillna("")
    return own.user_id.where(own.user_id.isin(heads), heads)
