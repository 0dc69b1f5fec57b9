"""Scenarios: bounds of levers, and files that are bound to a book, a period and a version."""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import examples
import pytest
from books import Row, make_book
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.book.source import Book
from salesops.errors import SalesopsError
from salesops.models.quota import Move, Scenario, ScenarioError, baseline, read_scenario, write_scenario
from salesops.models.quota.files import book_key, from_toml, to_toml
from salesops.models.quota.scenario import LEVERS
from salesops.periods import parse_period

QUARTER = parse_period("2026-Q3")
SPAN: dict[str, Any] = {"period_start": QUARTER.start, "period_end": QUARTER.end}


def company(folder: Path, *, deals: int = 30, name: str = "Marlowick", prefix: str = "D") -> Book:
    rows: list[Row] = [
        {"opportunity_id": f"{prefix}{n:03d}", "owner_id": "A", "created_date": date(2025, 1, 1) + timedelta(days=n)}
        for n in range(deals)
    ]
    return make_book(folder, {"users": [{"user_id": "A"}], "opportunities": rows}, company=name)


def texts() -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False)


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Draw a scenario with any lever set."""
    fraction, factor, many = numbers(0, 1), numbers(0.1, 10), numbers(0, 1e12)
    threshold = draw(numbers(0, 2))
    users = draw(st.lists(texts(), unique=True, max_size=5))
    pairs = [(users[n], users[n + 1]) for n in range(len(users) - 1)]
    start = draw(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
    return Scenario(
        name=draw(texts()),
        company=draw(texts()),
        book=draw(texts()),
        period_start=start,
        period_end=start + timedelta(days=draw(st.integers(0, 400))),
        quotas=tuple((user, draw(many)) for user in users),
        target=draw(st.none() | many),
        over_assignment=draw(st.none() | numbers(-0.9, 5)),
        ramp=draw(st.none() | st.lists(fraction, max_size=6).map(tuple)),
        attrition=draw(fraction),
        backfill_days=draw(numbers(0, 1000)),
        moves=tuple(Move(giver, receiver, draw(fraction)) for giver, receiver in pairs),
        win_rate=draw(factor),
        deal_size=draw(factor),
        cycle=draw(factor),
        discount=draw(numbers(0, 0.9)),
        discount_lift=draw(many),
        hires=draw(st.integers(0, 10**6)),
        hire_date=draw(st.none() | st.dates(date(1, 1, 1))),
        pay=draw(many),
        commission_rate=draw(fraction),
        threshold=threshold,
        accelerator=draw(many),
        cap=draw(st.none() | numbers(threshold, 1e6)),
        budget=draw(st.none() | many),
        quota_response=draw(fraction),
        shock=draw(fraction),
    )


@given(scenarios())
@settings(max_examples=examples.of(200), deadline=None)
def test_round_trip_is_exact(scenario: Scenario) -> None:
    """What is written is read again to the last bit, whatever the names, and is written the same again."""
    text = to_toml(scenario)
    assert from_toml(text) == scenario
    assert to_toml(from_toml(text)) == text


def test_every_lever_is_in_the_file() -> None:
    """Each lever that has a value stands in the file by its name."""
    full = Scenario(
        **SPAN, target=1, over_assignment=0.1, ramp=(0.5,), hire_date=QUARTER.start, cap=2, budget=3, shock=0.1,
        quotas=(("A", 5),), moves=(Move("A", "B", 0.5),),
    )  # fmt: skip  # every lever without a default
    text = to_toml(full)
    assert all(f"\n{name} = " in text for name in LEVERS)
    assert "[quotas]\nA = 5.0" in text
    assert '[[moves]]\ngiver = "A"' in text


def test_a_scenario_does_not_change() -> None:
    """A scenario is frozen, equals another with the same levers, and can be a key."""
    one = Scenario(**SPAN, quotas=(("B", 2), ("A", 1)))
    assert one == Scenario(**SPAN, quotas=(("A", 1.0), ("B", 2.0)))
    assert len({one, Scenario(**SPAN, quotas=(("A", 1.0), ("B", 2.0)))}) == 1
    with pytest.raises(AttributeError, match="cannot assign"):
        one.pay = 3.0  # type: ignore[misc]  # frozen: this must fail


@pytest.mark.parametrize(
    ("levers", "sentence"),
    [
        (
            {"commission_rate": -0.1},
            r"commission_rate must be a fraction from 0 to 1 of the booked amount\. Got -0.1\.",
        ),
        ({"pay": -1}, r"pay must be money per rep and period, 0 or more\. Got -1\."),
        ({"win_rate": 0}, r"win_rate must be a factor from 0.1 to 10\. Got 0\."),
        ({"deal_size": -2}, r"deal_size must be a factor"),
        ({"cycle": float("nan")}, r"cycle must be a factor from 0.1 to 10\. Got nan\."),
        ({"discount": 1}, r"discount must be a fraction from 0 to 0.9\. Got 1\."),
        ({"attrition": 1.5}, r"attrition must be a fraction from 0 to 1 a year"),
        ({"backfill_days": -1}, r"backfill_days must be days, 0 or more"),
        ({"over_assignment": -1}, r"over_assignment must be a fraction of the target, −0.9 or more"),
        ({"target": float("inf")}, r"target must be money, 0 or more\. Got inf\."),
        ({"target": "1"}, r"target must be money, 0 or more\. Got '1'\."),
        ({"hires": -1}, r"hires must be a whole number, 0 or more\. Got -1\."),
        ({"hires": 1.5}, r"hires must be a whole number, 0 or more\. Got 1.5\."),
        ({"hires": True}, r"hires must be a whole number"),
        ({"hire_date": "soon"}, r"hire_date must be a date\. Got 'soon'\."),
        ({"threshold": 2, "cap": 1}, r"cap must not be below threshold\. Got 1 and 2\."),
        ({"ramp": (0.5, 1.2)}, r"each month of the ramp must be a fraction from 0 to 1\. Got 1.2\."),
        ({"quotas": (("A", -5),)}, r"The quota of 'A' must be money, 0 or more\. Got -5\."),
        ({"quotas": (("A", 1), ("A", 2))}, r"1 rep has two quotas: A\. Give one for each\."),
        ({"moves": (("A", "B", 1),)}, r"moves must be a list of moves"),
        ({"moves": (Move("A", "B", 0.7), Move("A", "C", 0.5))}, r"'A' gives away more than all new business: 1.2"),
        ({"name": 3}, r"name must be a text\. Got 3\."),
        ({"name": "\ud800"}, r"name must be a text"),
        ({"shock": 2}, r"shock must be a standard deviation from 0 to 1"),
        ({"quota_response": -0.5}, r"quota_response must be a fraction from 0 to 1"),
        ({"period_end": date(2020, 1, 1)}, r"period_end must not be before period_start\. Got 2020-01-01\."),
    ],
)
def test_levers_out_of_bounds(levers: dict[str, Any], sentence: str) -> None:
    """A lever out of its bounds is refused with a sentence that names it, its unit and what was found."""
    with pytest.raises(ScenarioError, match=sentence):
        Scenario(**{**SPAN, **levers})
    assert issubclass(ScenarioError, SalesopsError)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (("A", "A", 0.5), r"A move must go from one rep to another\. Got 'A' for both\."),
        (("A", "B", -0.1), r"A move's share must be a fraction from 0 to 1\. Got -0.1\."),
        ((1, "B", 0.5), r"A move's giver must be a text\. Got 1\."),
    ],
)
def test_moves_out_of_bounds(values: tuple[Any, Any, Any], sentence: str) -> None:
    """A move goes from one rep to another, and moves a fraction."""
    with pytest.raises(ScenarioError, match=sentence):
        Move(*values)


def test_a_file_goes_with_its_book(tmp_path: Path) -> None:
    """A scenario is read by its own book, also after the book moved and grew; another book refuses it."""
    book = company(tmp_path / "here")
    path = tmp_path / "one.toml"
    written = baseline(book, QUARTER, name="Fewer reps", pay=5000, quotas=(("A", 10.0),))
    write_scenario(written, path)
    moved = company(tmp_path / "there", deals=400)
    assert read_scenario(path, moved, QUARTER) == written
    before = path.read_bytes()
    other = company(tmp_path / "other", name="Other Ltd", prefix="X")
    with pytest.raises(ScenarioError, match=r"one\.toml was made for another book: that of 'Marlowick'\. This is the"):
        read_scenario(path, other)
    with pytest.raises(ScenarioError, match=r"one\.toml is about 2026-07-01\.\.2026-09-30, not 2026-Q4\."):
        read_scenario(path, book, parse_period("2026-Q4"))
    assert path.read_bytes() == before


def test_small_books_have_keys_of_their_own(tmp_path: Path) -> None:
    """Books that differ in a first deal, a user or the currency differ in their key; the place does not matter."""
    same = {book_key(company(tmp_path / name)) for name in ("a", "b")}
    assert len(same) == 1
    users = [make_book(tmp_path / key, {"users": [{"user_id": key}]}) for key in ("u", "v")]
    dollars = make_book(tmp_path / "w", {"users": [{"user_id": "u"}]}, currency="USD")
    assert len({*same, *(book_key(book) for book in (*users, dollars))}) == 4


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("format = 1", "format = 2"), r"has format 2; format 1 was expected\. Update salesops\."),
        (("format = 1", "format = 'x'"), r"has format 'x'; format 1 was expected\. Choose a scenario file\."),
        (("format = 1\n", ""), r"names no format; format 1 was expected\. Choose a scenario file\."),
        (("format = 1", "format ="), r"is not valid TOML"),
        (("win_rate = 1.0", "win_rat = 1.0"), r"has an unknown key 'win_rat'\. Did you mean 'win_rate'\?"),
        (("win_rate = 1.0", "win_rate = -1.0"), r"kept\.toml: win_rate must be a factor from 0.1 to 10\. Got -1.0\."),
        (("name = ", "nome = "), r"has an unknown key 'nome'\. Did you mean 'name'\?"),
        (('name = "Baseline"\n', ""), r"does not say its name\."),
        (("[quotas]", "[[quotas]]"), r"quotas must be a table"),
        (("[quotas]", "[quotas]\nA = 'much'"), r"The quota of 'A' must be money, 0 or more\. Got 'much'\."),
        (("[quotas]", "[quotas]\n[[moves]]\ngiver = 'A'"), r"a move has a giver, a receiver and a share"),
        (("[levers]", "moves = 3\n[levers]"), r"moves must be a list\. Got 3\."),
    ],
)
def test_broken_files_say_what_is_wrong(tmp_path: Path, change: tuple[str, str], sentence: str) -> None:
    """A file of another version, or changed by hand into nonsense, is refused in a sentence and stays as it is."""
    book = company(tmp_path / "book")
    path = tmp_path / "kept.toml"
    write_scenario(baseline(book, QUARTER), path)
    text = path.read_text(encoding="utf-8")
    assert change[0] in text
    path.write_text(text.replace(*change, 1), encoding="utf-8")
    with pytest.raises(ScenarioError, match=sentence):
        read_scenario(path, book)
    assert path.read_text(encoding="utf-8") == text.replace(*change, 1)


def test_files_that_are_no_scenario(tmp_path: Path) -> None:
    """No file, a folder and a picture are refused in a sentence."""
    book = company(tmp_path / "book")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff\xfe")
    for name, sentence in (("none.toml", "cannot be read: No such file"), ("picture.png", "is no text in UTF-8")):
        with pytest.raises(ScenarioError, match=sentence):
            read_scenario(tmp_path / name, book)
    with pytest.raises(ScenarioError, match="cannot be read"):
        read_scenario(tmp_path, book)


def test_a_write_that_fails_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the place cannot be written, the file of before is whole, and no part is left behind."""
    book = company(tmp_path / "book")
    path = tmp_path / "kept" / "one.toml"
    path.parent.mkdir()
    write_scenario(baseline(book, QUARTER), path)
    before = path.read_bytes()

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(ScenarioError, match=r"one\.toml cannot be written: Permission denied\. .*choose a folder"):
        write_scenario(baseline(book, QUARTER, pay=1), path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
