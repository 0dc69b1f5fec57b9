"""Satisfaction: what each account answers, and how often it answers at all."""

from __future__ import annotations

from datetime import date

import ibis.expr.types as ir

from salesops.book.scale import NPS, is_content, is_detractor, is_promoter, surveys, top
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.book.values import local_date

FEWEST_ANSWERS = 5


def satisfaction(book: Book, as_of: date) -> ir.Table:
    """Return what each account answered that was asked up to `as_of`.

    The net promoter score (Reichheld, 2003) is the share of promoters less the share of detractors, of answers on
    the scale from 0 to 10. Customer satisfaction is the share of content answers, of those on other scales. With
    fewer than FEWEST_ANSWERS such answers there is none. The cut-offs are those of `salesops.book.scale`.

    Returns
    -------
    ir.Table
        account_id; asked, answered (surveys sent, and those with a score), response_rate (answered ÷ asked);
        last_score, last_top (the latest answer, and the top of its scale; of the last id where several came at once),
        last_answer (date); nps (−1 to 1; null with too few answers), csat (0 to 1; null with too few answers).
    """
    known = as_known(book, as_of)
    answers = surveys(known)
    answers = answers.mutate(_top=top(answers), _day=local_date(answers.responded_at, known.config.time_zone))
    scored, on_nps = answers.score.notnull(), answers.scale == NPS
    latest = {"where": scored & answers.responded_at.notnull(), "order_by": [answers.responded_at, answers.survey_id]}
    sums = answers.group_by("account_id").aggregate(
        asked=answers.count(),
        answered=answers.score.count(),
        last_score=answers.score.last(**latest),
        last_top=answers._top.last(**latest),
        last_answer=answers._day.max(where=scored),
        _on_nps=(scored & on_nps).sum(),
        _promoters=is_promoter(answers).sum().fill_null(0),
        _detractors=is_detractor(answers).sum().fill_null(0),
        _others=(scored & ~on_nps).sum(),
        _content=(is_content(answers) & ~on_nps).sum().fill_null(0),
    )
    nps = (sums._promoters - sums._detractors) / sums._on_nps.nullif(0)
    csat = sums._content / sums._others.nullif(0)
    return sums.mutate(
        response_rate=sums.answered / sums.asked,
        nps=(sums._on_nps >= FEWEST_ANSWERS).ifelse(nps, None),
        csat=(sums._others >= FEWEST_ANSWERS).ifelse(csat, None),
    ).drop("_on_nps", "_promoters", "_detractors", "_others", "_content")
