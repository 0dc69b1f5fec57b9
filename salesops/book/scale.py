"""The scales of survey scores, and the cut-offs: who is content, a promoter, a detractor, unhappy.

A promoter gives 9 or 10 on the scale from 0 to 10 and a detractor 6 or less (Reichheld, 2003); on other scales there
is neither. On any scale an answer is content from 80% of its top: 4 and 5 of 5, the top two boxes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from salesops.book.schema import SCALES
from salesops.book.source import Book

NPS = "nps_0_10"
PROMOTERS = 9
DETRACTORS = 6
CONTENT = 0.8  # of the top of the scale
_PROPOSED = ("csat_1_5", "csat_1_7", NPS, "csat_0_100")
_FEWEST = 5  # answers: of fewer no scale is told
_SOME, _MANY = 3, 30


def surveys(book: Book) -> ir.Table:
    """Return survey_responses with the scale of each answer: its own, else that of book.toml, else NPS."""
    table = book.table("survey_responses")
    return table.mutate(scale=table.scale.fill_null(book.config.scale or NPS))


def top(answers: ir.Table) -> ir.Value:
    """Return the highest score of each answer's scale."""
    return ibis.cases(*((answers.scale == name, high) for name, (_, high) in SCALES.items()))


def bottom(answers: ir.Table) -> ir.Value:
    """Return the lowest score of each answer's scale."""
    return ibis.cases(*((answers.scale == name, low) for name, (low, _) in SCALES.items()))


def is_outside(answers: ir.Table) -> ir.BooleanValue:
    """Tell of each answer whether its score is none of its scale."""
    return (answers.score < bottom(answers)) | (answers.score > top(answers))


def is_content(answers: ir.Table) -> ir.BooleanValue:
    """Tell of each answer whether its score is at least CONTENT of the top of its scale."""
    return answers.score >= CONTENT * top(answers)


def is_unhappy(answers: ir.Table) -> ir.BooleanValue:
    """Tell of each answer whether it asks for a call: a detractor, or below the middle of another scale."""
    middle = (top(answers) + bottom(answers)) / 2
    return (answers.scale == NPS).ifelse(answers.score <= DETRACTORS, answers.score < middle)


def is_promoter(answers: ir.Table) -> ir.BooleanValue:
    """Tell of each answer whether it is one of PROMOTERS or more on the scale of the net promoter score."""
    return (answers.scale == NPS) & (answers.score >= PROMOTERS)


def is_detractor(answers: ir.Table) -> ir.BooleanValue:
    """Tell of each answer whether it is one of DETRACTORS or less on the scale of the net promoter score."""
    return (answers.scale == NPS) & (answers.score <= DETRACTORS)


def of_ten(answers: ir.Table) -> ir.Value:
    """Return each score in proportion to a scale to 10."""
    return 10 * answers.score / top(answers)


@dataclass(frozen=True)
class Scores:
    """The scores that stand on one scale: how many answers, and the highest."""

    scale: str
    answers: int
    highest: float

    @property
    def contradiction(self) -> str:
        """What speaks against the scale: that no score lies above the top of a smaller one. "" if nothing does.

        A few answers tell it where that is half of the scale or less, else it takes many.
        """
        high = SCALES[self.scale][1]
        for other in sorted({top for _, top in SCALES.values() if top < high}):
            if self.highest <= other and self.answers >= (_SOME if 2 * other <= high else _MANY):
                return f"no score above {other} on a scale to {high}"
        return ""


def scores_by_scale(book: Book) -> Iterator[Scores]:
    """Yield the scores of a book by their scale."""
    answers = surveys(book)
    answers = answers.filter(answers.score.notnull())
    rows = answers.group_by("scale").aggregate(answers=answers.count(), highest=answers.score.max())
    for row in rows.filter(rows.scale.isin(list(SCALES))).order_by("scale").to_pyarrow().to_pylist():
        yield Scores(**row)


def proposed_scale(answers: int, lowest: float, highest: float) -> str:
    """Return the smallest scale that holds all scores; "" where they are too few to tell, or fit none."""
    fitting = (name for name in _PROPOSED if SCALES[name][0] <= lowest and highest <= SCALES[name][1])
    return next(fitting, "") if answers >= _FEWEST else ""
