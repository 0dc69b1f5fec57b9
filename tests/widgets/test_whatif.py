"""The what-if without a browser: what each step does, and that none loses anything."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from books import make_book
from whatif_books import NOW, QUARTER, book_of

from salesops import words
from salesops.book.source import Book, open_book
from salesops.intake import import_book
from salesops.models.forecast.corrected import forecast_inputs
from salesops.models.forecast.inputs import Inputs
from salesops.models.quota import Scenario, ScenarioError, baseline, outcome, read_scenario, write_scenario
from salesops.periods import Period, parse_period
from salesops.widgets.whatif import QuotaWhatIf, WhatIf, quota_whatif
from salesops.widgets.whatif.face import take
from salesops.widgets.whatif.shown import shown


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Book, Inputs]:
    book = book_of(tmp_path_factory.mktemp("whatif"))
    return book, forecast_inputs(book, QUARTER, NOW)


@pytest.fixture
def state(made: tuple[Book, Inputs], tmp_path: Path) -> WhatIf:
    return WhatIf(*made, folder=tmp_path / "scenarios")


def step(name: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"do": "set", "name": name, "value": value, **more}


def test_a_lever_moves_the_scenario_and_not_the_baseline(state: WhatIf) -> None:
    """What is shown is the pure function of what the levers say; the baseline stays beside it."""
    state.set("win_rate", 120)
    state.set_quota("C", 80)
    wanted = replace(state.start, win_rate=1.2, quotas=(("C", 80.0),))
    assert state.now == wanted
    told, found = shown(state), outcome(state.inputs, wanted)
    assert told["percents"] == [words.chance(value) for value in found.reps.p_attain]
    both = (state.outcome(state.start), found)
    assert told["rows"][0][:2] == [words.chance_in_doubt(one.p_target, one.p_low, one.p_high) for one in both]
    assert told["quotas"] == [150, 150, 80]
    assert state.outcome(state.start).scenario == state.start


@pytest.mark.parametrize(
    ("name", "given", "held"),
    [
        ("target", 500, 500.0), ("over_assignment", 10, 0.1), ("hires", 2, 2), ("ramp", 3, (0.25, 0.5, 0.75)),
        ("hire_date", "2026-11-15", date(2026, 11, 15)), ("attrition", 20, 0.2), ("cap", None, None),
        ("discount", 12.5, 0.125), ("backfill_days", 30, 30.0), ("budget", "250", 250.0),
    ],
)  # fmt: skip  # a lever a pair
def test_units_of_people_become_units_of_scenarios(state: WhatIf, name: str, given: Any, held: Any) -> None:
    """Percent become fractions, months a ramp that rises evenly, an empty box none; and back again."""
    state.set(name, given)
    assert getattr(state.now, name) == held
    back = state.levers[name].shown(state.now)
    assert back == (None if given is None else given if isinstance(held, date) else float(given))


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (step("win_rate", -5), r"Win rate: win_rate must be a factor from 0\.1 to 10\. Got -0\.05\."),
        (step("commission_rate", "much"), r"Commission must be a number\. Got 'much'\."),
        (step("hires", 1.5), r"New hires must be a whole number from 0 to 60\."),
        (step("discount", None), r"Extra discount must be a number\. It is empty\."),
        (step("hire_date", "soon"), r"They start on must be a date such as 2026-10-15\."),
        (step("winrate", 100), r"There is no lever 'winrate'\. Did you mean 'win_rate'\?"),
        ({"do": "quota", "name": "A", "value": -1}, r"The quota of 'A' must be money, 0 or more"),
        ({"do": "quota", "name": "X", "value": 1}, r"names 1 rep that has no line in 2026-Q4: 'X'"),
        ({"do": "move", "giver": "A", "receiver": "A", "value": 10}, r"A move must go from one rep to another"),
        ({"do": "save", "name": " "}, r"Give the scenario a name of its own"),
        ({"do": "open", "name": "Plan"}, r"There is no saved scenario 'Plan'"),
        ({"do": "undo"}, r"There is no step to take back"),
        ({"do": "redo"}, r"There is no step to take again"),
        ({"do": "dance"}, r"There is no step 'dance'"),
        ({"do": "read", "name": "a.toml", "value": "x ="}, r"a\.toml is not valid TOML"),
    ],
)  # fmt: skip  # a step a line
def test_a_bad_step_is_a_sentence_and_changes_nothing(state: WhatIf, bad: dict[str, Any], said: str) -> None:
    """Whatever is typed, the answer is a sentence, and everything is as it was."""
    before = (state.now, state.locked, dict(state.saved), state.can_undo)
    told, alert, _ = take(state, [bad])
    assert alert
    assert re.search(said, told), told
    assert (state.now, state.locked, state.saved, state.can_undo) == before


def test_steps_after_a_bad_one_are_taken(state: WhatIf) -> None:
    """Of several steps sent together a bad one is told, and the others count."""
    told, alert, _ = take(state, [step("win_rate", -5), step("win_rate", 110)])
    assert alert
    assert "must be a factor" in told
    assert state.now.win_rate == 1.1


def test_a_movement_is_one_step_to_undo(state: WhatIf) -> None:
    """While a slider moves its values are coarse and one step; after a rest the next movement is another."""
    for value in (101, 102, 103):
        assert take(state, [step("win_rate", value, moving=True)])[2]
    assert not take(state, [step("win_rate", 104)])[2]
    take(state, [step("win_rate", 105, moving=True), {"do": "exact"}])
    take(state, [step("win_rate", 106, moving=True), {"do": "exact"}])
    rates = [state.now.win_rate]
    while state.can_undo:
        state.undo()
        rates.append(state.now.win_rate)
    assert rates == [1.06, 1.05, 1.04, 1.0]


def test_what_was_taken_back_can_be_taken_again(state: WhatIf) -> None:
    """Redo goes the way of undo back, step by step, until another step is taken."""
    steps = [state.now]
    for value in (101, 102, 103):
        state.set("win_rate", value)
        steps.append(state.now)
    for back in reversed(steps[:-1]):
        state.undo()
        assert state.now == back
    for again in steps[1:]:
        state.redo()
        assert state.now == again
    assert not state.can_redo
    state.undo()
    state.set("discount", 0)
    assert state.can_redo
    state.set("discount", 5)
    assert not state.can_redo
    with pytest.raises(ScenarioError, match="no step to take again"):
        state.redo()
    state.undo()
    assert state.now == steps[2]


def test_a_lock_holds_against_hand_and_reset(state: WhatIf) -> None:
    """A locked lever is refused with a sentence, and reset and opening a scenario leave it alone."""
    state.set("win_rate", 120)
    state.set("discount", 5)
    state.save("Old")
    state.set("win_rate", 130)
    state.lock("win_rate", on=True)
    with pytest.raises(ScenarioError, match=r"Win rate is locked\. Free it to change it\."):
        state.set("win_rate", 90)
    state.reset()
    assert state.now == replace(state.start, win_rate=1.3)
    state.open("Old")
    assert (state.now.win_rate, state.now.discount) == (1.3, 0.05)
    state.lock("win_rate", on=False)
    state.reset()
    assert state.now == state.start
    state.lock("quotas", on=True)
    with pytest.raises(ScenarioError, match=r"The table of quotas is locked\."):
        state.set_quota("A", 1)


def test_sixty_rapid_changes_end_in_the_right_state(state: WhatIf) -> None:
    """Many steps, in lists of any length and mostly in motion, end where the last value of each lever says."""
    chance = random.Random(7)
    steps = [
        step(name, value, moving=n < 58)
        for n, (name, value) in enumerate(
            (chance.choice(("win_rate", "deal_size", "discount")), chance.randint(50, 90)) for _ in range(60)
        )
    ]
    steps = [{**one, "value": one["value"] / (3 if one["name"] == "discount" else 1)} for one in steps]
    place = 0
    while place < len(steps):
        size = chance.randint(1, 9)
        take(state, steps[place : place + size])
        place += size
    last = {one["name"]: one["value"] / 100 for one in steps}
    assert state.now == replace(state.start, **last)
    found = outcome(state.inputs, state.now)
    assert shown(state)["rows"][0][1] == words.chance_in_doubt(found.p_target, found.p_low, found.p_high)


def test_saved_scenarios_come_back(made: tuple[Book, Inputs], state: WhatIf, tmp_path: Path) -> None:
    """What is saved is a file that others can read, and is there again for the next what-if of this folder."""
    state.set("win_rate", 110)
    state.add_move("A", "B", 25)
    path = state.save("More wins: a/b")
    assert read_scenario(path, made[0], QUARTER) == state.now
    again = WhatIf(*made, folder=tmp_path / "scenarios")
    assert again.saved == {"More wins: a/b": state.now}
    assert again.compared == ("More wins: a/b",)
    assert shown(again)["compare"]["heads"] == ["Baseline", "Now", "More wins: a/b"]
    again.set("win_rate", 115)
    again.save("More wins: a/b")  # one's own may be saved again
    assert read_scenario(path, made[0], QUARTER).win_rate == 1.15


def test_levers_that_are_kept_come_back_in_another_what_if(
    state: WhatIf, made: tuple[Book, Inputs], tmp_path: Path
) -> None:
    """Levers, quotas, moves and locks, as one step that can be taken back; nothing is saved."""
    assert shown(state)["kept"] == ""
    state.set("win_rate", 120)
    state.set_quota("C", 80)
    state.add_move("A", "B", 20)
    state.lock("deal_size", on=True)
    assert "kept" not in shown(state, coarse=True)
    again = WhatIf(*made, folder=tmp_path / "others")
    assert take(again, [{"do": "take", "value": shown(state)["kept"]}]) == ("", False, False)
    assert (again.now, again.locked) == (state.now, frozenset({"deal_size"}))
    again.undo()
    assert again.now == again.start
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"scenario": "", "locked": 1}', '{"scenario": "format = 9", "locked": []}']
)
def test_what_is_no_levers_is_refused(state: WhatIf, text: str) -> None:
    """A text from elsewhere changes nothing, and is a sentence."""
    told, alert, _ = take(state, [{"do": "take", "value": text}])
    assert alert
    assert told
    assert (state.now, state.locked) == (state.start, frozenset())


def test_levers_of_another_book_are_refused(state: WhatIf, made: tuple[Book, Inputs], tmp_path: Path) -> None:
    """A tab that was opened on another book before does not bring its levers along."""
    state.set("win_rate", 120)
    other = WhatIf(made[0], forecast_inputs(made[0], parse_period("2027-Q1"), NOW), folder=tmp_path)
    with pytest.raises(ScenarioError, match=r"What was kept is about 2026-10-01\.\.2026-12-31, not 2027-Q1"):
        other.take(state.kept())


def test_four_scenarios_are_compared(state: WhatIf) -> None:
    """A fifth waits until one is taken away; nothing saved is lost."""
    for n in range(5):
        state.set("win_rate", 110 + n)
        state.save(f"S{n}")
    assert state.compared == ("S0", "S1", "S2", "S3")
    with pytest.raises(ScenarioError, match=r"4 scenarios can stand beside each other\. Take one away first\."):
        state.compare("S4", on=True)
    state.compare("S1", on=False)
    state.compare("S4", on=True)
    assert state.compared == ("S0", "S2", "S3", "S4")
    assert set(state.saved) == {f"S{n}" for n in range(5)}
    assert shown(state)["compare"]["rows"][0][0] == "Chance that the company makes its target"


def test_files_of_others_are_told_and_left_alone(made: tuple[Book, Inputs], tmp_path: Path) -> None:
    """A file of another book, period or version is a sentence among the notes; it stays, and cannot be overwritten."""
    book, inputs = made
    write_scenario(
        replace(baseline(book, QUARTER), name="Foreign", book="x", company="Other"), tmp_path / "Foreign.toml"
    )
    write_scenario(baseline(book, parse_period("2027-Q1"), name="Next"), tmp_path / "Next.toml")
    (tmp_path / "Newer.toml").write_text("format = 9\n")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    state = WhatIf(book, inputs, folder=tmp_path)
    assert state.saved == {}
    said = "\n".join(shown(state)["notes"])
    for words_of in (
        "another book: that of 'Other'",
        "is about 2027-01-01..2027-03-31, not 2026-Q4",
        "Newer.toml has format 9",
    ):
        assert words_of in said
    with pytest.raises(ScenarioError, match=r"is there already, with another scenario"):
        state.save("Foreign")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_shared_file_is_taken_in_beside_ones_own(made: tuple[Book, Inputs], state: WhatIf, tmp_path: Path) -> None:
    """A scenario that somebody sends is kept; one of a name that is taken gets its file's name behind it."""
    state.set("win_rate", 110)
    state.save("Plan")
    write_scenario(baseline(made[0], QUARTER, name="Plan", win_rate=1.4), tmp_path / "sent.toml")
    assert state.take_in((tmp_path / "sent.toml").read_text(), "sent.toml") == "Plan (sent)"
    assert {name: one.win_rate for name, one in state.saved.items()} == {"Plan": 1.1, "Plan (sent)": 1.4}
    foreign = (tmp_path / "sent.toml").read_text().replace(f'book = "{state.start.book}"', 'book = "x"')
    with pytest.raises(ScenarioError, match=r"sent\.toml was made for another book"):
        state.take_in(foreign, "sent.toml")


def test_quotas_leave_as_csv_without_formulas(state: WhatIf) -> None:
    """The file has today's quota and the proposed one of each rep; a name that looks like a formula is text."""
    state.set_quota("A", 175.5)
    path = state.export("quotas")
    table = pd.read_csv(path)
    assert list(table.user_name) == ["'=Rep A", "'=Rep B", "'=Rep C"]
    assert table.quota[:2].tolist() == [175.5, 150]
    assert table.quota_today[:2].tolist() == [150, 150]
    assert state.export("quotas").name == "quotas-2.csv"


def test_quotas_go_to_the_book_and_count_there(tmp_path: Path) -> None:
    """Written to the book they are a new version, and the next what-if begins with them."""
    book = book_of(tmp_path)
    state = WhatIf(book, forecast_inputs(book, QUARTER, NOW), folder=tmp_path / "scenarios")
    state.set_quota("C", 90)
    state.set_quota("A", 175)
    assert state.to_book("Board") == "2026-10-30 001 Board"
    again = open_book(tmp_path)
    quotas = forecast_inputs(again, QUARTER, NOW).reps.set_index("user_id").quota
    assert quotas.to_dict() == {"A": 175, "B": 150, "C": 90}


@pytest.mark.parametrize(
    ("without", "note"),
    [
        ({"deals": False}, ""),
        ({"quotas": False}, "No rep has a quota: give quotas to see who can make them."),
        ({"territories": False}, "2 reps have no territory and no part in the fairness."),
    ],
)
def test_books_with_holes(tmp_path: Path, without: dict[str, bool], note: str) -> None:
    """No open deals, no quotas, no territories: every lever works, and the notes say what is missing."""
    book = book_of(tmp_path, **without)
    state = WhatIf(book, forecast_inputs(book, QUARTER, NOW), folder=tmp_path / "scenarios")
    told = shown(state)
    assert note in [*told["notes"], ""]
    for lever in state.levers.values():
        if lever.kind == "number" and lever.name != "over_assignment":
            state.set(lever.name, lever.high)
    state.set_quota("A", 0)
    state.set("target", 1)
    told = shown(state)
    assert told["rows"][0][1] == "made it"
    assert "The target is already met by what is closed." in told["notes"]
    zero = "1 rep has a quota of zero, and no chance to make it."
    assert (zero in told["notes"]) == without.get("quotas", True)


def test_quotas_typed_where_there_were_none(tmp_path: Path) -> None:
    """A book without quotas gets them by hand: chances appear, and the sum of quotas becomes no target by itself."""
    book = book_of(tmp_path, quotas=False)
    state = WhatIf(book, forecast_inputs(book, QUARTER, NOW), folder=tmp_path / "scenarios")
    assert shown(state)["headline"].startswith("There is no target and no quota yet.")
    state.set_quota("A", 100)
    state.set("target", 300)
    told = shown(state)
    assert told["percents"][0] not in ("–", "")
    assert told["headline"].startswith("The company reaches 300\N{NO-BREAK SPACE}EUR with a chance of")


def test_a_widget_answers_each_list_of_steps_once(made: tuple[Book, Inputs], tmp_path: Path) -> None:
    """A list of steps is answered by one new value of `shown` that names the list."""
    widget = quota_whatif(made[0], QUARTER, NOW, inputs=made[1], folder=tmp_path)
    assert isinstance(widget, QuotaWhatIf)
    answers: list[Any] = []
    widget.observe(lambda change: answers.append(change["new"]["answers"]), "shown")
    widget._handle_custom_msg({"from": "v", "number": 1, "steps": [step("win_rate", 110), step("discount", 5)]}, [])
    widget._handle_custom_msg({"from": "v", "number": 2, "steps": [{"do": "exact"}]}, [])
    assert answers == [["v", 1], ["v", 2]]
    assert widget.state.now.win_rate == 1.1


def test_nobody_to_show(tmp_path: Path) -> None:
    """Where nobody has a line in the period, a sentence stands in place of the widget."""
    book = make_book(tmp_path, {"users": [{"user_id": "A", "end_date": "2020-01-01"}]})
    assert "Nobody has a line in 2026-Q4" in quota_whatif(book, QUARTER, NOW).value


def test_maven_takes_quotas_that_are_typed(shared: Path, tmp_path: Path) -> None:
    """Maven CRM has deals and no quotas: typed quotas give chances, and go to the book."""
    import_book("maven_crm", shared / "data" / "maven_crm", tmp_path / "book")
    book = open_book(tmp_path / "book")
    state = WhatIf(book, forecast_inputs(book, parse_period("2017-Q4"), date(2017, 11, 15)))
    users = list(state.inputs.reps.user_id)
    for user in users:
        state.set_quota(user, 80_000)
    state.set("target", 80_000 * len(users))
    found = state.outcome(state.now)
    assert found.reps.p_attain.notna().all()
    assert 0 < found.p_target < 1
    state.to_book("First")
    again = forecast_inputs(open_book(tmp_path / "book"), parse_period("2017-Q4"), date(2017, 11, 15))
    assert (again.reps.quota == 80_000).all()


def test_adventureworks_moves_by_orders(shared: Path, tmp_path: Path) -> None:
    """AdventureWorks has quotas and orders and no deals: the levers move what is still to be ordered."""
    import_book("adventureworks", shared / "data" / "adventureworks_dw", tmp_path / "book")
    book = open_book(tmp_path / "book")
    autumn = Period(date(2013, 9, 29), date(2013, 12, 28))
    state = WhatIf(book, forecast_inputs(book, autumn, date(2013, 11, 2)))
    before = state.outcome(state.start)
    state.set("win_rate", 110)
    state.set("over_assignment", 10)
    now = state.outcome(state.now)
    assert now.p_target > before.p_target
    assert now.quota_total == pytest.approx(1.1 * 10_359_000)
    assert np.isfinite(now.fairness)


def test_a_scenario_of_reps_who_left_is_told(made: tuple[Book, Inputs], tmp_path: Path) -> None:
    """A saved scenario that names a rep without a line is among the notes, not among the saved."""
    book, inputs = made
    gone = Scenario(**{**vars(baseline(book, QUARTER)), "name": "Old team", "quotas": (("Z", 5.0),)})
    write_scenario(gone, tmp_path / "old.toml")
    state = WhatIf(book, inputs, folder=tmp_path)
    assert state.saved == {}
    assert "names 1 rep that has no line in 2026-Q4: 'Z'" in state.refused[0]
