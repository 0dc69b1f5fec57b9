"""The promises of some people, with the verdict on each and the names of whom and what they are about."""

from __future__ import annotations

from datetime import date

import pandas as pd

from salesops.book.people import user_names
from salesops.book.source import Book
from salesops.metrics.commitments import commitments
from salesops.periods import Period


def judged_commitments(book: Book, period: Period, as_of: date, users: tuple[str, ...]) -> pd.DataFrame:
    """Return the commitments of some people, by original due date, with the names of whom and what they are about.

    Returns
    -------
    pandas.DataFrame
        The columns of `metrics.commitments`; owner_name, agreed_with_name, subject_name (as `subject_names`
        gives it).
    """
    judged = commitments(book, period, as_of, users=users).to_pandas()
    judged = judged[judged.owner_id.isin(users)]  # a report without lines asks for nobody's, not for everyone's
    names, subjects = user_names(book), dict(book.keep("subjects", lambda: _subjects(book)))
    judged["owner_name"] = judged.owner_id.map(names)
    judged["agreed_with_name"] = judged.agreed_with.map(names)
    judged["subject_name"] = judged.subject_id.map(subjects, na_action="ignore")
    ordered: pd.DataFrame = judged.sort_values(["original_due_date", "commitment_id"], ignore_index=True)
    return ordered


def subject_names(book: Book, subjects: pd.Series) -> pd.Series:
    """Return the name of each account or contact that a commitment is about; any other subject stays its id."""
    names: dict[str, str] = {}
    for table, key, name in (("accounts", "account_id", "account_name"), ("contacts", "contact_id", "contact_name")):
        rows = book.table(table)
        asked = rows.filter(rows[key].isin(list(subjects.dropna()))) if subjects.notna().any() else rows.limit(0)
        found = asked.select(key, name).to_pandas()
        names |= dict(zip(found[key], found[name], strict=True))
    return subjects.map(lambda subject: names.get(subject, subject), na_action="ignore")


def _subjects(book: Book) -> list[list[str]]:
    rows = book.table("commitments")
    asked = rows.filter(rows.subject_id.notnull()).select("subject_id").distinct()
    subjects = asked.order_by("subject_id").to_pandas().subject_id
    return [list(pair) for pair in zip(subjects, subject_names(book, subjects), strict=True)]
