"""The playbook of a book: read, checked, overridden and logged."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import examples
import pytest
from books import make_book
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.book.playbook import (
    CLIENT_COLUMNS,
    LOG_COLUMNS,
    Condition,
    Playbook,
    find_playbook,
    parse_playbook,
    playbook_findings,
    playbook_notes,
    read_overrides,
    read_playbook,
)
from salesops.book.playbook.check import reach_findings
from salesops.book.playbook.conditions import parse_condition
from salesops.book.playbook.overrides import REQUIRED
from salesops.book.source import Book
from salesops.cli import main
from salesops.errors import BookError
from salesops.sample.playbook import PLAYBOOK

Values = dict[str, Any]
REST: Values = {
    "name": "A play", "channel": "call", "cadence": 0.5, "floor_days": 7, "ceiling_days": 30, "offer": "Talk",
    "owner": "manager", "stop": "Bought", "stop_after": 3, "why": "{days_since} days.",
}  # fmt: skip  # reads as a table


def plays(**when: Values) -> Values:
    """A playbook with a play for each name, in order, with these conditions; the last takes everyone."""
    items = [{"id": name, "when": conditions, **REST} for name, conditions in when.items()]
    return {"version": "1", "hold_out": 0.1, "plays": [*items, {"id": "rest", **REST}]}


def good(values: Values) -> Playbook:
    playbook, findings = parse_playbook(values)
    assert playbook is not None, findings
    return playbook


def found(values: Values) -> list[str]:
    """Return the errors of a playbook as sentences."""
    playbook, findings = parse_playbook(values)
    assert (playbook is None) == bool(findings)
    assert all(finding.severity == "error" for finding in findings)
    return [str(finding) for finding in findings]


def unreachable(values: Values) -> list[str]:
    return [str(finding) for finding in reach_findings(good(values))]


# reading


@pytest.mark.parametrize("path", ["data/playbook_template.toml", "data/sample/playbook.toml"])
def test_shipped_playbooks_are_without_findings(path: str) -> None:
    """The template and the sample can be read, every play can be reached, and every reason has a number."""
    playbook = read_playbook(ROOT / path)
    assert len(playbook.plays) >= 4
    assert list(reach_findings(playbook)) == []
    assert all("{" in play.why for play in playbook.plays)


def test_the_template_names_every_column() -> None:
    """Each column that a play may use stands in the template, and so do those of the two files beside it."""
    text = (ROOT / "data" / "playbook_template.toml").read_text(encoding="utf-8")
    assert [name for name in CLIENT_COLUMNS if name not in text] == []
    assert ",".join([*REQUIRED, "until"]) in text
    assert re.sub(r" \([^)]*\)", "", text.splitlines()[-1]) == f"#     {','.join(LOG_COLUMNS)}"


def test_the_sample_asks_for_every_topic() -> None:
    """The sample's plays ask for value, state, need, buying task, relationship and capacity."""
    playbook = read_playbook(ROOT / "data" / "sample" / "playbook.toml")
    asked = {CLIENT_COLUMNS[condition.column].topic for play in playbook.plays for condition in play.when}
    assert asked >= {"value", "state", "need", "buying task", "relationship", "capacity"}


def test_the_sample_is_what_the_code_writes() -> None:
    """data/sample/playbook.toml is the text that `salesops sample` writes."""
    assert (ROOT / "data" / "sample" / "playbook.toml").read_text(encoding="utf-8") == PLAYBOOK


def test_what_is_written_is_what_is_read() -> None:
    """Every key of a play arrives; a play without a hold_out of its own has the playbook's."""
    values = plays(late={"gaps_since": {"at_least": 1.5, "below": 3}, "value_band": "high", "open_issue": False})
    values["plays"][0]["hold_out"] = 0.25
    late, rest = good(values).plays
    assert late.when == (
        Condition("gaps_since", at_least=1.5, below=3.0),
        Condition("value_band", one_of=("high",)),
        Condition("open_issue", one_of=(False,)),
    )
    assert (late.hold_out, rest.hold_out) == (0.25, 0.1)
    assert {key: getattr(late, key) for key in REST} == REST
    assert rest.when == ()


def without(key: str) -> Callable[[Values], object]:
    return lambda values: values["plays"][0].pop(key)


def setting(key: str, value: object) -> Callable[[Values], object]:
    return lambda values: values["plays"][0].update({key: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("why"), "play 'late' lacks why. Add it"),
        (without("id"), "play 1 lacks id. Add it"),
        (setting("chanel", "call"), "play 'late' has an unknown key 'chanel'. Did you mean 'channel'?"),
        (setting("days_since", 3), "unknown key 'days_since'. A condition is written when.days_since = …"),
        (setting("channel", "cal"), "one of meeting, call, email, self-service, none as channel. Got 'cal'. Did you"),
        (setting("channel", ["call"]), "as channel. Got ['call']."),
        (setting("owner", "boss"), "one of account owner, manager, inside sales, service as owner. Got 'boss'"),
        (setting("cadence", 0), "needs a multiple above 0 as cadence. Got 0."),
        (setting("cadence", True), "needs a multiple above 0 as cadence. Got True."),
        (setting("floor_days", 31), "play 'late' has a floor_days above its ceiling_days. Exchange the two."),
        (setting("floor_days", "7"), "needs a number of days above 0 as floor_days. Got '7'."),
        (setting("stop_after", 0.5), "needs a number of actions, 1 or more as stop_after. Got 0.5."),
        (setting("hold_out", 1), "needs a share from 0 to .9 as hold_out. Got 1."),
        (setting("id", "the late"), "needs an id of letters, digits, - and _ as id. Got 'the late'."),
        (setting("id", "rest"), "2 plays have the id 'rest'. Give each its own."),
        (setting("name", " "), "needs a text as name. Got ' '."),
        (setting("when", "late"), "needs a table of conditions as when. Got 'late'."),
        (setting("when", {"days_sinc": 3}), "asks for 'days_sinc', which no client has. Did you mean 'days_since'?"),
        (setting("when", {"last_purchase": 3}), "asks for 'last_purchase', a date, which only sentences can use."),
        (setting("when", {"value_band": "hihg"}), "value_band 'hihg', which does not occur. Did you mean 'high'?"),
        (setting("when", {"days_since": "3"}), "bounds such as { at_least = 2, below = 3 } for 'days_since'. Got '3'."),
        (setting("when", {"days_since": True}), "needs a number, or bounds"),
        (setting("when", {"days_since": {}}), "needs a number, or bounds"),
        (setting("when", {"days_since": {"atleast": 3}}), "'atleast' for 'days_since'. Did you mean 'at_least'?"),
        (setting("when", {"days_since": {"at_least": "3"}}), "needs a number for 'at_least' of 'days_since'. Got '3'."),
        (setting("when", {"days_since": {"at_least": float("nan")}}), "needs a number for 'at_least'"),
        (setting("when", {"open_issue": "yes"}), "needs true or false for 'open_issue'. Got 'yes'."),
        (setting("when", {"segment": []}), "needs a text, or a list such as ['high', 'middle'] for 'segment'. Got []."),
        (setting("when", {"segment": {"at_least": 1}}), "needs a text, or a list"),
        (setting("why", "{days_sinc} days"), "names {days_sinc} in its why, which no client has. Did you mean"),
        (setting("offer", "Take {days_since:.2f}"), "has braces in its offer that cannot be filled"),
        (setting("why", "{days_since"), "has braces in its why that cannot be filled"),
        (setting("why", "{days_since.real}"), "'{days_since.real…}' is not a plain {column}"),
        (setting("why", "{}"), "is not a plain {column}"),
        (lambda values: values["plays"].pop(), "the last play does not take every client"),
        (lambda values: values.pop("version"), "the playbook lacks version."),
        (lambda values: values.update(version=2), "the playbook needs a text as version. Got 2."),
        (lambda values: values.update(plays=[]), "the playbook needs at least one [[plays]] as plays. Got []."),
        (lambda values: values.update(plays="none"), "the playbook needs at least one [[plays]]"),
        (lambda values: values.update(holdout=0.1), "an unknown key 'holdout'. Did you mean 'hold_out'?"),
    ],
)  # fmt: skip  # one slip a line
def test_each_slip_is_named_with_its_repair(change: Callable[[Values], object], message: str) -> None:
    """What a person can get wrong in a playbook is one sentence that names the play, the key and the way out."""
    values = plays(late={"days_since": 3})
    change(values)
    sentences = found(values)
    assert len(sentences) == 1, sentences
    assert message in sentences[0]


def test_all_slips_are_found_at_once() -> None:
    """A person is not sent round once for each slip: three slips in two plays are three findings."""
    values = plays(late={"days_sinc": 3}, silent={"value_band": "hgh"})
    values["plays"][1]["why"] = "{nothing_known}"
    assert len(found(values)) == 3


def test_a_broken_file_is_a_finding_and_an_error(tmp_path: Path) -> None:
    """What is not TOML, or holds errors, is refused by read_playbook with the same words as the check."""
    path = tmp_path / "playbook.toml"
    path.write_text("plays = [", encoding="utf-8")
    with pytest.raises(BookError, match="is not valid TOML"):
        read_playbook(path)
    path.write_text("version = '1'", encoding="utf-8")
    with pytest.raises(BookError, match="the playbook lacks plays"):
        read_playbook(path)
    with pytest.raises(BookError, match="cannot be read"):
        read_playbook(tmp_path / "none.toml")


def test_a_play_is_found_by_its_id() -> None:
    """An id that is not there names the nearest."""
    playbook = good(plays(late={"days_since": 3}))
    assert playbook.play("late").id == "late"
    with pytest.raises(BookError, match=r"no play 'lat' in the playbook\. Did you mean 'late'"):
        playbook.play("lat")


# conditions


@pytest.mark.parametrize(
    ("condition", "passing", "failing"),
    [
        ({"at_least": 2, "below": 3}, [2, 2.9], [1.9, 3, None]),
        ({"above": 2, "at_most": 3}, [2.1, 3], [2, 3.1, None]),
        (4, [4], [3.9, 4.1, None]),
        ({"known": True}, [0, -1, 1e9], [None]),
        ({"known": False}, [None], [0, 1]),
    ],
)
def test_numbers_by_hand(condition: Any, passing: list[float], failing: list[float]) -> None:
    """Bounds include or exclude their end as their name says, and a missing number meets only known = false."""
    parsed = parse_condition("annual_amount", condition)
    assert all(parsed.holds(value) for value in passing)
    assert not any(parsed.holds(value) for value in failing)


def test_texts_and_flags_by_hand() -> None:
    """A text is one of those listed; a flag is as written; neither when missing."""
    assert [parse_condition("segment", ["new", "loyal"]).holds(v) for v in ("new", "loyal", "New", None)] == [
        True, True, False, False,
    ]  # fmt: skip  # one line
    assert [parse_condition("moved", False).holds(value) for value in (True, False, None)] == [False, True, False]


# reach


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (plays(a={"days_since": {"at_least": 3}}, b={"days_since": {"above": 3}, "moved": True}), "'b': the earlier"),
        (plays(a={"value_band": ["high", "low"]}, b={"value_band": "low"}), "'b': the earlier 'a'"),
        (plays(a={"days_since": {"below": 9}}, b={"days_since": {"at_least": 9}}, c={"days_since": {"known": True}}),
         "'c': the earlier 'a', 'b' together take all its clients"),
        (plays(a={"moved": True}, b={"moved": False}, c={"moved": {"known": False}}), "'rest': the earlier 'a', 'b'"),
        (plays(a={"value_band": ["high", "middle", "low"]}, b={"value_band": {"known": True}}), "'b': the earlier 'a'"),
        (plays(a={"frequency": {"below": 3}}, b={"frequency": {"above": 2}}, c={"frequency": 2}), "'c': the"),
        (plays(a={"p_active": {"at_least": 0}}, b={"p_active": 0.5}), "'b': the earlier 'a'"),
        (plays(a={"days_since": {"at_least": 5, "below": 5}}), "'a': its conditions on days_since exclude every value"),
        (plays(a={"p_active": {"above": 1}}), "'a': its conditions on p_active exclude every value"),
    ],
)  # fmt: skip  # one playbook a line
def test_plays_that_nobody_can_reach_are_named(values: Values, message: str) -> None:
    """Covered by one earlier play, by several together, or impossible: named, with what covers it."""
    (sentence,) = unreachable(values)
    assert message in sentence


def test_everything_below_a_play_for_everyone_is_named() -> None:
    """A play without conditions takes all clients of all that stand below it."""
    late, rest = unreachable(plays(all={}, late={"days_since": 3}))
    assert "'late': the earlier 'all' takes all its clients. Move it up, or remove it." in late
    assert "'rest': the earlier 'all' takes all its clients" in rest


@pytest.mark.parametrize(
    "values",
    [
        plays(a={"days_since": {"above": 3}}, b={"days_since": {"at_least": 3}}),
        plays(a={"days_since": {"at_least": 3}}, b={"moved": True}),
        plays(a={"frequency": {"at_most": 3}}, b={"frequency": {"above": 3}}),
        plays(a={"frequency": {"at_least": 3}}, b={"frequency": {"below": 3, "above": 0}}),
        plays(a={"value_band": "high"}, b={"value_band": ["high", "low"]}),
        plays(a={"segment": ["new", "loyal"]}, b={"segment": {"known": True}}),
        plays(a={"moved": True}, b={"moved": False}),
        plays(a={"days_since": {"known": True}}, b={"moved": True}),
        plays(a={"days_since": {"below": 3}}, b={"days_since": {"above": 3}}, c={"days_since": {"known": True}}),
    ],
)
def test_plays_that_somebody_can_reach_are_left_in_peace(values: Values) -> None:
    """One value, one flag, one text or the missing value left over is enough."""
    assert unreachable(values) == []


NUMBER = st.one_of(
    st.integers(0, 3),
    st.fixed_dictionaries({"at_least": st.integers(0, 3)}),
    st.fixed_dictionaries({"above": st.integers(0, 3)}),
    st.fixed_dictionaries({"below": st.integers(1, 4)}),
    st.fixed_dictionaries({"above": st.integers(0, 3), "at_most": st.integers(0, 4)}),
    st.fixed_dictionaries({"known": st.booleans()}),
)
WHEN = st.fixed_dictionaries(
    {},
    optional={
        "days_since": NUMBER,
        "frequency": NUMBER,
        "moved": st.one_of(st.booleans(), st.fixed_dictionaries({"known": st.booleans()})),
        "segment": st.lists(st.sampled_from(["new", "loyal"]), min_size=1, max_size=2),
    },
)
EVERY_CLIENT = [
    dict(zip(("days_since", "frequency", "moved", "segment"), values, strict=True))
    for values in itertools.product(
        [None, 0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5], [None, 0, 1, 2, 3, 4, 5], [None, True, False],
        [None, "new", "loyal", "else"],
    )
]  # fmt: skip  # one line a column


@settings(max_examples=examples.of(60), deadline=None)
@given(st.lists(WHEN, min_size=1, max_size=5))
def test_reach_is_that_of_trying_every_client(whens: list[Values]) -> None:
    """A play is called unreachable exactly if, of all the clients that there can be, none gets it."""
    playbook = good(plays(**{f"p{number}": when for number, when in enumerate(whens)}))
    got = {
        next(play.id for play in playbook.plays if all(c.holds(client[c.column]) for c in play.when))
        for client in EVERY_CLIENT
    }
    named = {str(finding).split("play '")[1].split("'")[0] for finding in reach_findings(playbook)}
    assert named == {play.id for play in playbook.plays} - got


# the check of a book

ACCOUNTS: dict[str, Any] = {"users": [{"user_id": "U"}], "accounts": [{"account_id": key} for key in "ABC"]}


@pytest.fixture
def book(tmp_path: Path) -> Book:
    """A book of three accounts, with the template as its playbook."""
    made = make_book(tmp_path / "acme", ACCOUNTS)
    text = (ROOT / "data" / "playbook_template.toml").read_text(encoding="utf-8")
    (tmp_path / "acme" / "playbook.toml").write_text(text, encoding="utf-8")
    return made


def change(book: Book, old: str, new: str) -> None:
    path = Path(book.location) / "playbook.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_book_without_playbook_has_nothing_to_say(tmp_path: Path) -> None:
    """No file: no finding, no note."""
    made = make_book(tmp_path / "acme", ACCOUNTS)
    assert (find_playbook(made), playbook_findings(made), playbook_notes(made)) == (None, (), ())


def test_notes_say_that_the_first_wins(book: Book) -> None:
    """Where a client can match two plays, the notes name both and which one counts; the catch-all is not named."""
    notes = playbook_notes(book)
    assert notes[0] == "playbook.toml, version 1: 4 plays; a client gets the first that matches."
    assert notes[1:] == (
        "Where a client also matches new-owner, win-back: make-good wins.",
        "Where a client also matches win-back: new-owner wins.",
    )


def test_check_tells_the_playbook(book: Book, capsys: pytest.CaptureFixture[str]) -> None:
    """`salesops check` prints the notes, and is content with a good playbook."""
    assert main(["check", book.location]) == 0
    shown = capsys.readouterr().out
    assert "\nPlaybook\n  playbook.toml, version 1: 4 plays" in shown
    assert "Where a client also matches win-back: new-owner wins." in shown


def test_check_fails_on_an_error_and_warns_of_the_rest(book: Book, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown column is an error and the exit code 1; a play out of reach is a warning and 0."""
    change(book, "when.owner_left = true", "when.open_issue = true")
    assert main(["check", book.location]) == 0
    assert "play reachable" in capsys.readouterr().out
    change(book, "when.gaps_since", "when.gaps_sinc")
    assert main(["check", book.location]) == 1
    assert "asks for 'gaps_sinc', which no client has. Did you mean 'gaps_since'?" in capsys.readouterr().out


def test_a_reason_without_a_number_is_a_warning(book: Book) -> None:
    """A reason that is the same for everyone is no reason for this client."""
    change(book, 'why = "{days_since} days since the last purchase."', 'why = "Because."')
    (finding,) = playbook_findings(book)
    assert (finding.severity, finding.rule) == ("warning", "sentence")


# overrides


def overrides(book: Book, text: str) -> tuple[list[str], list[str]]:
    """Write overrides.csv; return the accounts that are kept, and the findings as sentences."""
    (Path(book.location) / "overrides.csv").write_text(text, encoding="utf-8")
    path = find_playbook(book)
    assert path is not None
    kept, findings = read_overrides(book, read_playbook(path), accounts=frozenset("ABC"))
    return [override.account_id for override in kept], [str(finding) for finding in findings]


HEAD = "account_id,play_id,reason,decided_by,until\n"


def test_no_overrides_is_fine(book: Book) -> None:
    """Without the file there is nothing to follow and nothing wrong."""
    assert read_overrides(book, good(plays())) == ((), ())


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "A,win-back,Knows the buyer,Eva,\nB,make-good,Asked for it,Eva,2026-12-31\n",
        "decided_by;account_id;reason;play_id\nEva;A;x;win-back\nEva;B;y;make-good;\n\n",
    ],
)
def test_overrides_are_read_as_people_write_them(book: Book, text: str) -> None:
    """Comma or semicolon, any order of columns, empty lines, with or without until."""
    assert overrides(book, text) == (["A", "B"], [])


@pytest.mark.parametrize(
    ("lines", "kept", "message"),
    [
        ("A,win-back,,Eva,", [], "1 of 1 rows has no reason (first: A). Fill reason"),
        ("A,win-back,why,,", [], "has no decided_by"),
        ("A,winback,why,Eva,", [], "names a play that is not in the playbook (first: A). Did you mean 'win-back'?"),
        ("A,win-back,why,Eva,soon", [], "has an until that is no day (first: A). Write it as 2026-12-31"),
        ("A,win-back,why,Eva,\nA,make-good,why,Eva,", ["A"], "1 of 2 rows repeats the account of an earlier line"),
        ("Z,win-back,why,Eva,", ["Z"], "names an account that is not in accounts (first: Z)."),
        (",win-back,why,Eva,\n,make-good,why,Eva,", [], "2 of 2 rows have no account_id (first: (empty), (empty))"),
        ("A", [], "has no play_id"),
    ],
)
def test_each_wrong_override_is_named(book: Book, lines: str, kept: list[str], message: str) -> None:
    """A line that cannot be followed is left out and named with its account and the repair."""
    accounts, sentences = overrides(book, HEAD + lines)
    assert accounts == kept
    assert len(sentences) == 1
    assert message in sentences[0]


def test_overrides_without_a_column_are_refused(book: Book) -> None:
    """A missing column is one finding with the nearest header, not one for each line."""
    accounts, sentences = overrides(book, HEAD.replace("reason", "raison") + "A,win-back,x,Eva,\n")
    assert accounts == []
    assert sentences == [
        "overrides.csv: the required column 'reason' is missing. Did you mean 'raison'? Rename or add the column."
    ]


def test_check_reads_the_overrides(book: Book, capsys: pytest.CaptureFixture[str]) -> None:
    """An override of an unknown play is an error of `salesops check`."""
    overrides(book, HEAD + "A,winback,why,Eva,")
    assert main(["check", book.location]) == 1
    assert "overrides.csv: 1 of 1 rows names a play that is not in the playbook" in capsys.readouterr().out


def test_an_override_ends_after_its_last_day(book: Book) -> None:
    """`until` is the last day on which it counts; without it, it counts for good."""
    (Path(book.location) / "overrides.csv").write_text(
        HEAD + "A,rest,x,Eva,2026-03-31\nB,rest,x,Eva,", encoding="utf-8"
    )
    (short, long), _ = read_overrides(book, good(plays()))
    assert [short.holds(date(2026, 3, day)) for day in (30, 31)] == [True, True]
    assert [override.holds(date(2026, 4, 1)) for override in (short, long)] == [False, True]
