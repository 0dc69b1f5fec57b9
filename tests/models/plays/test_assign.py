"""One play for each client."""

from __future__ import annotations

import itertools
from datetime import date
from pathlib import Path
from typing import Any

import examples
import numpy as np
import pandas as pd
import pytest
from customers import customers
from hypothesis import given, settings
from hypothesis import strategies as st
from plays import playbook

from salesops.book.playbook import Override, Playbook, append_log, read_log
from salesops.errors import BookError
from salesops.models.plays import assign_plays, log_plays

DAY = date(2026, 3, 1)
NUMBER = st.one_of(
    st.integers(0, 3),
    st.fixed_dictionaries({"at_least": st.integers(0, 3), "below": st.integers(1, 4)}),
    st.fixed_dictionaries({"above": st.integers(0, 3)}),
    st.fixed_dictionaries({"at_most": st.integers(0, 3)}),
    st.fixed_dictionaries({"known": st.booleans()}),
)
WHEN = st.fixed_dictionaries(
    {},
    optional={
        "days_since": NUMBER,
        "frequency": NUMBER,
        "moved": st.one_of(st.booleans(), st.fixed_dictionaries({"known": st.booleans()})),
        "segment": st.lists(st.sampled_from(["new", "loyal"]), min_size=1),
    },
)
COLUMNS: dict[str, list[Any]] = {
    "days_since": [None, 0, 1, 1.5, 2, 3, 9], "frequency": [None, 0, 1, 2, 5], "moved": [None, True, False],
    "segment": [None, "new", "loyal", "else"],
}  # fmt: skip  # reads as a table


def table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Clients with the types that a client table has."""
    frame = customers(**{name: [row[name] for row in rows] for name in COLUMNS})
    return frame.astype({"days_since": float, "frequency": "Float64", "moved": object, "segment": object})


CLIENTS = st.lists(st.fixed_dictionaries({name: st.sampled_from(values) for name, values in COLUMNS.items()}))


@settings(max_examples=examples.of(60), deadline=None)
@given(st.lists(WHEN, max_size=4), CLIENTS)
def test_every_client_gets_exactly_the_first_play_that_matches(whens: list[dict[str, Any]], rows: list[Any]) -> None:
    """One row a client, in order, with the play that a person finds who reads from top to bottom."""
    book = playbook(**{f"p{number}": when for number, when in enumerate(whens)})
    found = assign_plays(book, table(rows), as_of=DAY).table
    matching = [[play.id for play in book.plays if all(c.holds(row[c.column]) for c in play.when)] for row in rows]
    assert list(found.account_id) == [f"A{number}" for number in range(len(rows))]
    assert list(found.play_id) == [ids[0] for ids in matching]
    assert list(found.also) == [", ".join(ids[1:-1]) for ids in matching]


def test_two_plays_for_a_client_first_wins_and_says_so() -> None:
    """The first play counts; the others that match are named beside it."""
    book = playbook(late={"days_since": {"above": 10}}, silent={"days_since": {"above": 20}})
    row = assign_plays(book, customers(days_since=[30]), as_of=DAY).table.iloc[0]
    assert (row.play_id, row.also) == ("late", "silent")


@pytest.mark.parametrize(
    ("clients", "when", "message"),
    [
        (customers(days_since=[1]), {"p_active": {"above": 0.5}}, "p_active is not known of any client. It means"),
        (customers(segment=["loyal"]), {"segment": "loyl"}, "no client has segment loyl. Did you mean 'loyal'?"),
        (customers(days_since=[1]), {"days_since": {"above": 5}}, "no client meets its condition on days_since"),
        (customers(days_since=[1, 9], frequency=[9, 1]), {"days_since": {"above": 5}, "frequency": {"above": 5}},
         "no client meets all its conditions"),
    ],
)  # fmt: skip  # one case a line
def test_a_play_that_nobody_matches_is_named(clients: pd.DataFrame, when: dict[str, Any], message: str) -> None:
    """A play without clients is a finding that says which condition keeps everyone out."""
    (finding,) = assign_plays(playbook(late=when), clients, as_of=DAY).findings
    assert f"playbook.toml: nobody gets play 'late': {message}" in str(finding)
    assert finding.severity == "warning"


def test_a_play_whose_clients_others_take_is_named() -> None:
    """Where earlier plays take all clients of this day, the finding says that, and not that nobody matches."""
    book = playbook(late={"days_since": {"above": 10}}, silent={"days_since": {"above": 20}})
    (finding,) = assign_plays(book, customers(days_since=[30]), as_of=DAY).findings
    assert "nobody gets play 'silent': earlier plays take all its clients. Move it up" in str(finding)


@pytest.mark.parametrize(
    ("gap", "days"), [(40, 20), (41, 20), (10, 7), (300, 30), (np.nan, 30), (0, 7), (14, 7), (60, 30)]
)
def test_cadence_follows_the_own_gap(gap: float, days: float) -> None:
    """Half the own median gap, not under 7 days and not over 30; without a rhythm 30."""
    clients = customers(days_since=[1], median_gap=[gap])
    assert assign_plays(playbook(), clients, as_of=DAY).table.cadence_days[0] == days


def test_sentences_hold_the_clients_own_numbers() -> None:
    """Each kind of value has its form; what is missing reads "unknown"; words in braces are columns only once."""
    why = (
        "{account_name} of {country}: {days_since} days, {gaps_since} gaps, {total} in all, {p_active}, "
        "{last_purchase}, {moved}, {stated_need}, {{kept}}"
    )
    clients = customers(
        account_name=["{total} & Co"], country=["Italy"], days_since=[1234.4], gaps_since=[2.26], total=[98765.4],
        p_active=[0.996], last_purchase=[pd.Timestamp("2026-01-05")], moved=[True], stated_need=[None],
    )  # fmt: skip  # reads as a row
    plays = assign_plays(playbook(changes={"why": why}), clients, as_of=DAY, currency="EUR")
    (found,) = plays.table.why.str.replace("\N{NO-BREAK SPACE}", " ")
    assert found == (
        "{total} & Co of Italy: 1,234 days, 2.3 gaps, 98.8 k EUR in all, <100%, 5 Jan 2026, yes, unknown, {kept}"
    )


def test_offer_and_stop_are_filled_too() -> None:
    """A column in the offer or the stop rule becomes the client's value, also where the table lacks it."""
    book = playbook(changes={"offer": "Show {next_family}", "stop": "Bought {next_family} or {stated_need}"})
    found = assign_plays(book, customers(next_family=["Seals"]), as_of=DAY).table
    assert (found.offer[0], found.stop[0], found.why[0]) == ("Show Seals", "Bought Seals or unknown", "unknown days.")


# holding out


@settings(max_examples=examples.of(30), deadline=None)
@given(st.permutations(range(40)))
def test_arms_are_stable_under_reordering(order: list[int]) -> None:
    """The order of the rows changes neither the play nor the arm of a client."""
    clients = customers(days_since=[number % 9 for number in range(40)])
    book = playbook(hold_out=0.4, late={"days_since": {"above": 4}})
    plain = assign_plays(book, clients, as_of=DAY).table.set_index("account_id")
    mixed = assign_plays(book, clients.iloc[order], as_of=DAY).table.set_index("account_id")
    assert mixed.loc[plain.index].equals(plain)


def test_the_share_of_each_play_is_held_out() -> None:
    """Of many clients of a play about its share is left alone: channel none, with the play still named."""
    clients = customers(days_since=[number % 2 for number in range(8000)])
    found = assign_plays(playbook(hold_out=0.2, late={"days_since": 1}), clients, as_of=DAY).table
    alone = found[found.arm == "hold-out"]
    assert alone.play_id.value_counts(normalize=True)["late"] == pytest.approx(0.5, abs=0.05)
    assert len(alone) / 8000 == pytest.approx(0.2, abs=0.02)
    assert set(alone.channel) == {"none"}
    assert set(found[found.arm == "play"].channel) == {"call"}


# overrides


def override(account: str = "A0", play: str = "rest", until: date | None = None) -> Override:
    return Override(account, play, "Knows the buyer", "Eva", until)


def test_an_override_wins_and_carries_its_reason() -> None:
    """The client gets the play that a person chose, in an arm of its own, with reason and author."""
    book = playbook(hold_out=0.9, late={"days_since": {"above": 0}})
    found = assign_plays(book, customers(days_since=[5, 5]), as_of=DAY, overrides=[override()])
    row = found.table.iloc[0]
    assert (row.play_id, row.arm, row.channel, row.also) == ("rest", "override", "call", "late")
    assert row.override_reason == "Knows the buyer (Eva)"
    assert list(found.table.override_reason)[1] == ""
    assert found.findings == ()


def test_an_override_that_ended_no_longer_counts() -> None:
    """After its last day the rules decide again."""
    book = playbook(late={"days_since": {"above": 0}})
    for until, play in ((DAY, "rest"), (date(2026, 2, 28), "late")):
        found = assign_plays(book, customers(days_since=[5]), as_of=DAY, overrides=[override(until=until)])
        assert found.table.play_id[0] == play


def test_an_override_of_nobody_is_named() -> None:
    """An override whose account is no client is a finding and changes nothing."""
    found = assign_plays(playbook(), customers(days_since=[5]), as_of=DAY, overrides=[override("Z")])
    assert (
        str(found.findings[0])
        == "overrides.csv: 1 of 1 rows names no client of this day (first: Z). Correct account_id."
    )


# edges


def test_identical_clients_get_the_same_play() -> None:
    """Clients who do not differ have one play and one reason."""
    found = assign_plays(playbook(late={"days_since": 3}), customers(days_since=[3] * 9), as_of=DAY).table
    assert found[["play_id", "why", "cadence_days"]].nunique().tolist() == [1, 1, 1]


def test_no_clients_no_plays() -> None:
    """An empty table gives an empty one with all columns, and names the plays without clients."""
    found = assign_plays(playbook(late={"days_since": 3}), customers(days_since=[]), as_of=DAY)
    assert found.table.empty
    assert {"account_id", "play_id", "arm", "why", "also"} <= set(found.table.columns)
    assert len(found.findings) == 1


@pytest.mark.parametrize(
    ("book", "clients", "message"),
    [
        (playbook(), pd.DataFrame({"account": ["A"]}), "no column 'account_id'. Did you mean 'account'"),
        (playbook(), customers(account_id=["A", "A"]), "1 of 2 clients more than once .first: A"),
        (Playbook("1", playbook(a={"days_since": 3}).plays[:1]), customers(days_since=[1]), "must take every client"),
    ],
)
def test_what_cannot_be_assigned_is_refused(book: Playbook, clients: pd.DataFrame, message: str) -> None:
    """No key, a client twice, a playbook that leaves clients out: each says what and what to do."""
    with pytest.raises(BookError, match=message):
        assign_plays(book, clients, as_of=DAY)


# the log


def test_only_changes_are_logged(tmp_path: Path) -> None:
    """The first run logs everyone, the same run again nobody, a later one only whose play or arm is another."""
    book = playbook(late={"days_since": {"above": 10}})
    first = assign_plays(book, customers(days_since=[5, 20]), as_of=DAY)
    assert [log_plays(tmp_path, "1", first.table, DAY) for _ in range(2)] == [2, 0]
    append_log(tmp_path, [{**read_log(tmp_path)[0], "logged_on": DAY, "event": "done", "note": "Called"}])
    later = assign_plays(book, customers(days_since=[15, 30]), as_of=DAY)
    assert log_plays(tmp_path, "1", later.table, date(2026, 4, 1)) == 1
    assert [(row["logged_on"], row["account_id"], row["play_id"], row["event"]) for row in read_log(tmp_path)] == [
        ("2026-03-01", "A0", "rest", "assigned"), ("2026-03-01", "A1", "late", "assigned"),
        ("2026-03-01", "A0", "rest", "done"), ("2026-04-01", "A0", "late", "assigned"),
    ]  # fmt: skip  # one line a day


def test_overrides_are_logged_with_their_reason(tmp_path: Path) -> None:
    """The log keeps why a person decided otherwise."""
    found = assign_plays(playbook(), customers(days_since=[5]), as_of=DAY, overrides=[override()])
    log_plays(tmp_path, "1", found.table, DAY)
    (row,) = read_log(tmp_path)
    assert (row["arm"], row["note"], row["version"]) == ("override", "Knows the buyer (Eva)", "1")


def test_conditions_on_columns_agree_with_conditions_on_values() -> None:
    """The whole-column test is that of `Condition.holds`, for every condition form and every kind of value."""
    rows = [dict(zip(COLUMNS, values, strict=True)) for values in itertools.product(*COLUMNS.values())]
    forms: list[dict[str, Any]] = [
        {"days_since": {"at_least": 1, "below": 3}}, {"days_since": {"above": 1, "at_most": 2}}, {"frequency": 2},
        {"moved": True}, {"moved": False}, {"moved": {"known": False}}, {"segment": ["new", "loyal"]},
    ]  # fmt: skip  # one line a column
    for when in forms:
        book = playbook(a=when)
        expected = ["a" if all(c.holds(row[c.column]) for c in book.plays[0].when) else "rest" for row in rows]
        assert list(assign_plays(book, table(rows), as_of=DAY).table.play_id) == expected
