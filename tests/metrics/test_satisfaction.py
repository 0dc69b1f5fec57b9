"""What accounts answer, against scores counted by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from books import Rows, by, make_book

from salesops.metrics.satisfaction import satisfaction

SCORES = [10, 9, 8, 6, 0]


def test_score_needs_five_answers(tmp_path: Path) -> None:
    """Of five answers two are 9 or more and two 6 or less: 0; on a day with four answers there is no score."""
    rows: Rows = [
        {"account_id": "K", "sent_at": "2026-01-01", "responded_at": f"2026-01-0{n + 2}", "score": score}
        for n, score in enumerate(SCORES)
    ]
    rows += [{"account_id": "K", "sent_at": "2026-01-01"}, {"account_id": "N", "sent_at": "2026-01-01"}]
    book = make_book(tmp_path, {"survey_responses": rows})
    k = by(satisfaction(book, date(2026, 1, 31)), "account_id")["K"]
    assert (k["asked"], k["answered"], k["response_rate"], k["nps"]) == (6, 5, 5 / 6, 0)
    assert (k["last_score"], k["last_answer"]) == (0, date(2026, 1, 6))
    early = by(satisfaction(book, date(2026, 1, 5)), "account_id")
    assert (early["K"]["answered"], early["K"]["last_score"], early["K"]["nps"]) == (4, 6, None)
    assert (early["N"]["asked"], early["N"]["answered"], early["N"]["last_score"]) == (1, 0, None)


@pytest.mark.parametrize("first", ["S1", "S2"])
def test_of_answers_at_one_moment_the_last_id_counts(tmp_path: Path, first: str) -> None:
    """Whichever of them stands first in the book, the last score is that of the survey with the greatest id."""
    scores = {"S1": 3, "S2": 9}
    moment = {"account_id": "K", "sent_at": "2026-01-01", "responded_at": "2026-01-02T10:00:00Z"}
    rows: Rows = [
        {**moment, "survey_id": key, "score": scores[key]} for key in sorted(scores, key=lambda k: k != first)
    ]
    book = make_book(tmp_path, {"survey_responses": rows})
    assert by(satisfaction(book, date(2026, 1, 31)), "account_id")["K"]["last_score"] == 9
