"""Scales of survey scores: proposed by the import, checked against the values, and the same cut-offs everywhere."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path

import pytest
from books import Rows, by, make_book
from test_intake_columns import convert

from salesops.book.check import check_book
from salesops.book.scale import is_content, is_unhappy, surveys
from salesops.book.schema import SCALES
from salesops.book.source import Book, open_book
from salesops.errors import BookError
from salesops.intake import Intake
from salesops.metrics.satisfaction import satisfaction
from salesops.models.plays.state import relationship

DAY = dt.date(2026, 1, 31)


def answers(folder: Path, scores: list[float], scale: str = "", settings: str = "") -> Book:
    """Return a book in which one client gave these answers, one a day."""
    rows: Rows = [
        {"survey_id": f"S{n:02}", "account_id": "K", "sent_at": "2026-01-01", "responded_at": f"2026-01-{n + 2:02}",
         "score": score, "scale": scale}
        for n, score in enumerate(scores)
    ]  # fmt: skip  # one row
    make_book(folder, {"survey_responses": rows})
    if settings:
        (folder / "book.toml").write_text(settings)
    return open_book(folder)


@pytest.mark.parametrize(
    ("scale", "content", "unhappy"),
    [
        ("nps_0_10", {8, 9, 10}, set(range(7))),
        ("csat_1_5", {4, 5}, {1, 2}),
        ("csat_1_7", {6, 7}, {1, 2, 3}),
        ("ces_1_7", {6, 7}, {1, 2, 3}),
        ("csat_0_100", set(range(80, 101)), set(range(50))),
    ],
)
def test_the_cut_offs_of_each_scale(tmp_path: Path, scale: str, content: set[int], unhappy: set[int]) -> None:
    """Content from 80% of the top; unhappy at 6 of 10 or less, on other scales below the middle: reckoned by hand."""
    low, high = SCALES[scale]
    rows: Rows = [{"survey_id": str(n), "account_id": "K", "sent_at": "2026-01-01", "score": n, "scale": scale}
                  for n in range(low, high + 1)]  # fmt: skip  # one row
    table = surveys(make_book(tmp_path, {"survey_responses": rows}))
    told = table.select("score", content=is_content(table), unhappy=is_unhappy(table)).to_pyarrow().to_pylist()
    assert {row["score"] for row in told if row["content"]} == content
    assert {row["score"] for row in told if row["unhappy"]} == unhappy


def test_a_client_who_gave_five_of_five_is_content(tmp_path: Path) -> None:
    """Six answers of 5 on a scale to 5: all content, nobody a detractor, no open issue, and no net promoter score."""
    book = answers(tmp_path, [5] * 6, settings='surveys = { scale = "csat_1_5" }\n')
    row = by(satisfaction(book, DAY), "account_id")["K"]
    assert (row["csat"], row["nps"], row["last_score"], row["last_top"]) == (1, None, 5, 5)
    assert not relationship(book, DAY).open_issue.any()


def test_two_scales_in_one_book(tmp_path: Path) -> None:
    """The net promoter score stands on answers to 10 alone, satisfaction on the others, each from five answers on."""
    scores = [(10, "nps_0_10")] * 4 + [(3, "")] + [(5, "csat_1_5"), (4, "csat_1_5"), (70, "csat_0_100"), (7, "ces_1_7")]
    rows: Rows = [
        {"survey_id": str(n), "account_id": "K", "sent_at": "2026-01-01", "responded_at": f"2026-01-{n + 2:02}",
         "score": score, "scale": scale}
        for n, (score, scale) in enumerate(scores)
    ]  # fmt: skip  # one row
    book = make_book(tmp_path, {"survey_responses": rows})
    row = by(satisfaction(book, DAY), "account_id")["K"]
    assert (row["nps"], row["csat"]) == (0.6, None)
    make_book(tmp_path, {"survey_responses": [*rows, {**rows[-1], "survey_id": "9", "score": 1}]})
    row = by(satisfaction(open_book(tmp_path), DAY), "account_id")["K"]
    assert (row["nps"], row["csat"]) == (0.6, 0.6)


@pytest.mark.parametrize(
    ("scores", "scale", "told"),
    [
        ([5, 4, 1], "", "survey_responses: no score above 5 on a scale to 10."),
        ([5, 4, 1], "nps_0_10", "survey_responses: no score above 5 on a scale to 10."),
        ([9, 10, 8], "csat_0_100", "survey_responses: no score above 10 on a scale to 100."),
        ([5] * 29, "csat_1_7", ""),
        ([5] * 30, "csat_1_7", "survey_responses: no score above 5 on a scale to 7."),
        ([7] * 30, "nps_0_10", "survey_responses: no score above 7 on a scale to 10."),
        ([5, 4], "nps_0_10", ""),
        ([8, 1, 1], "nps_0_10", ""),
        ([2, 1, 1], "csat_1_5", ""),
        ([0, 5, 12], "csat_1_5", "survey_responses: 2 of 3 rows have a score that is none of their scale "
                                 "(first: S00 '0' on csat_1_5, S02 '12' on csat_1_5)."),
    ],
)  # fmt: skip  # reads as a table
def test_values_that_contradict_the_scale(tmp_path: Path, scores: list[float], scale: str, told: str) -> None:
    """Check says where no score comes near the top of the scale, and which lie outside it."""
    rows: Rows = [
        {"survey_id": f"S{n:02}", "account_id": "K", "sent_at": "2026-01-01", "score": score}
        for n, score in enumerate(scores)
    ]
    book = make_book(tmp_path, {"survey_responses": [row | ({"scale": scale} if scale else {}) for row in rows]})
    found = [str(f) for f in check_book(book) if f.rule in ("scale", "score outside its scale")]
    assert [text.partition(" Say the scale in book.toml")[0] for text in found] == ([told] if told else [])


MAP = """
[tables.accounts]
from = "answers"
distinct = true
columns = { account_id = "who", account_name = "who" }
[tables.survey_responses]
from = "answers"
columns = { survey_id = "no", account_id = "who", sent_at = "day", responded_at = "day", score = "score" }
"""


def imported(folder: Path, scores: list[int], text: str = MAP) -> Intake:
    """Import answers with these scores."""
    lines = "".join(f"{n},K,2026-01-05,{score}\n" for n, score in enumerate(scores))
    return convert(folder, text, answers=f"no,who,day,score\n{lines}")


@pytest.mark.parametrize(
    ("scores", "scale"),
    [
        ([1, 5, 4, 4, 2], "csat_1_5"), ([1, 7, 4, 4, 2], "csat_1_7"), ([0, 5, 4, 4, 2], "nps_0_10"),
        ([10, 9, 4, 4, 2], "nps_0_10"), ([80, 90, 4, 4, 2], "csat_0_100"), ([1, 5, 4, 4], ""), ([101, 1, 1, 1, 1], ""),
    ],
)  # fmt: skip  # reads as a table
def test_the_import_proposes_the_scale(tmp_path: Path, scores: list[int], scale: str) -> None:
    """From five scores on the smallest scale that holds them all is proposed, written and said."""
    result = imported(tmp_path, scores)
    settings = tomllib.loads((result.dest / "book.toml").read_text())
    assert settings.get("surveys", {}).get("scale", "") == scale == open_book(result.dest).config.scale
    said = [line for line in result.lines() if "taken for the scale" in line]
    assert [f"{min(scores)} to {max(scores)}, taken for the scale {scale}" in line for line in said] == [True] * bool(
        scale
    )


def test_what_people_say_goes_before_a_proposal(tmp_path: Path) -> None:
    """The map's scale counts, and so does one that stands in the book that is replaced."""
    said = imported(tmp_path, [1, 2, 3, 4, 5], f'[book]\nsurveys = {{ scale = "ces_1_7" }}\n{MAP}')
    assert open_book(said.dest).config.scale == "ces_1_7"
    (said.dest / "book.toml").write_text('[surveys]\nscale = "csat_1_7"\n')
    assert open_book(imported(tmp_path, [1, 2, 3, 4, 5]).dest).config.scale == "csat_1_7"


def test_a_scale_that_is_none(tmp_path: Path) -> None:
    """A misspelt scale is refused with those that there are."""
    (tmp_path / "accounts.csv").write_text("account_id,account_name,owner_id\n1,A,\n")
    (tmp_path / "book.toml").write_text('[surveys]\nscale = "stars"\n')
    with pytest.raises(BookError, match="surveys must be a table with scale, one of nps_0_10, csat_1_5, csat_1_7"):
        open_book(tmp_path)
