"""Satisfaction: what each account answers, and how often it answers at all."""

from __future__ import annotations

from datetime import date

import ibis.expr.types as ir

from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.book.values import local_date

FEWEST_ANSWERS = 5
PROMOTERS = 9
DETRACTORS = 6


def satisfaction(book: Book, as_of: date) -> ir.Table:
    """Return the net promoter score of each account that was asked up to `as_of` (Reichheld, 2003).

    The score is the share of answers of PROMOTERS or more less the share of DETRACTORS or less. With fewer than
    FEWEST_ANSWERS answers there is none.

    Returns
    -------
    ir.Table
        account_id; asked, answered (surveys sent, and those with a score), response_rate (answered ÷ asked);
        last_score (0–10, of the latest answer; of the last id where several came at once), last_answer (date);
        nps (−1 to 1; null with too few answers).
    """
    known = as_known(book, as_of)
    surveys = known.table("survey_responses")
    day = local_date(surveys.responded_at, known.config.time_zone)
    sums = surveys.group_by("account_id").aggregate(
        asked=surveys.count(),
        answered=surveys.score.count(),
        last_score=surveys.score.last(
            where=surveys.score.notnull() & surveys.responded_at.notnull(),
            order_by=[surveys.responded_at, surveys.survey_id],
        ),
        last_answer=day.max(where=surveys.score.notnull()),
        _glad=(surveys.score >= PROMOTERS).sum().fill_null(0),
        _unhappy=(surveys.score <= DETRACTORS).sum().fill_null(0),
    )
    score = (sums._glad - sums._unhappy) / sums.answered.nullif(0)
    return sums.mutate(
        response_rate=sums.answered / sums.asked,
        nps=(sums.answered >= FEWEST_ANSWERS).ifelse(score, None),
    ).drop("_glad", "_unhappy")
