"""One client's page as people read it."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from books import make_book

from salesops.book.source import Book, open_book
from salesops.pages.client import page as view
from salesops.pages.client import words as client_words
from salesops.pages.client.findings import client_page
from salesops.pages.client.result import ClientPage, NextStep
from salesops.pages.client.rhythm_state import rhythm_of
from salesops.views.blocks import Block, note

NOW = date(2026, 10, 31)


@pytest.fixture(scope="module")
def page(company_book: Book) -> ClientPage:
    return client_page(company_book, "A-000097", NOW)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> ClientPage:
    """A page from a book that holds one account and nothing else."""
    accounts = [{"account_id": "K", "account_name": "<b>Kay</b>"}]
    return client_page(make_book(tmp_path_factory.mktemp("bare"), {"accounts": accounts}), "", NOW)


def blocks(page: ClientPage) -> list[Block]:
    return [
        view.page_head(page), view.key_figures(page), view.what_to_do(page), view.dates_and_history(page),
        view.needs_and_contracts(page), view.issues_and_people(page), note(*view.limits(page)),
    ]  # fmt: skip  # the order of the page


def said(page: ClientPage) -> str:
    return "\n".join(block.text for block in blocks(page)).replace("\N{NO-BREAK SPACE}", " ")


def test_headline_says_what_to_do_and_why(page: ClientPage) -> None:
    """The first sentence holds the play's action, the client's name and the play's reason."""
    assert page.play is not None
    told = client_words.next_sentence(page)
    assert told.startswith("Write to Kestralin Ceramics GmbH now. ")
    assert told.endswith(page.play["why"])


def test_play_decides_the_words(page: ClientPage) -> None:
    """A client held out is left alone, and so is one whose play has no channel; a day to come is named."""
    play = {**(page.play or {}), "why": "Because."}
    held = replace(page, play={**play, "arm": "hold-out"})
    assert client_words.next_sentence(held).startswith(
        "Leave Kestralin Ceramics GmbH alone: it is held out of the play"
    )
    quiet = replace(page, play=play, step=NextStep("none", None, "play"))
    assert client_words.next_sentence(quiet) == "Leave Kestralin Ceramics GmbH alone. Because."
    later = replace(page, play=play, step=NextStep("meeting", date(2026, 11, 9), "play"))
    assert client_words.next_sentence(later) == "Meet Kestralin Ceramics GmbH by 9 Nov 2026. Because."
    chosen = replace(page, play={**play, "arm": "override", "override_reason": "They asked (Mona)"})
    assert client_words.step_words(chosen).endswith("Chosen by a person: They asked (Mona).")


def test_fixed_rules_in_words(page: ClientPage) -> None:
    """Without a playbook each rule has its sentence with the client's own numbers, and the page names the rule."""
    standing = {"rhythm": "overdue", "median_gap": 20, "gap_spread": 4, "late_after": 24.0, "lost_after": 90.0}
    rhythm = rhythm_of(standing, date(2026, 9, 1), NOW)
    client = {**page.client, "days_since": 60}
    plain = replace(page, play=None, client=client, rhythm=rhythm, step=NextStep("call", NOW, "overdue"))
    assert (
        client_words.next_sentence(plain)
        == "Call Kestralin Ceramics GmbH now: it buys every 20 days, has been silent for 60 days, and is overdue."
    )
    assert "fixed rule gives the step: “overdue”" in client_words.step_words(plain)
    assert client_words.lateness(plain) == "overdue by 36 days"
    expected = replace(plain, step=NextStep("email", date(2026, 11, 5), "expected"))
    assert client_words.next_sentence(expected) == (
        "Offer Kestralin Ceramics GmbH the usual order by 5 Nov 2026: it buys every 20 days."
    )


def test_every_rule_has_its_sentence(page: ClientPage, bare: ClientPage) -> None:
    """Low answers, contracts, missing deliveries and owners who left are named with day and number."""
    answers = pd.DataFrame(
        {"answered_on": [pd.Timestamp("2026-10-05")], "score": [3.0], "top": [10], "contacted_on": [pd.NaT]}
    )
    low = replace(page, play=None, low_answers=answers, step=NextStep("call", NOW, "unhappy"))
    assert "it answered 3 of 10 on 5 Oct 2026, and nobody has been in touch since" in client_words.next_sentence(low)
    missing = replace(page, play=None, step=NextStep("call", NOW, "missing"))
    assert client_words.next_sentence(missing).endswith("order lines are not delivered in full.")
    left = replace(
        page, play=None, owner=replace(page.owner, left=date(2026, 9, 30)), step=NextStep("", NOW, "orphaned")
    )
    assert client_words.next_sentence(left).startswith("Name a new owner for Kestralin Ceramics GmbH: ")
    assert "Expected loss from the change: " in client_words.owner_words(left)
    assert client_words.next_sentence(bare) == "Win the first order of <b>Kay</b>: it has not bought yet."


def test_birthday_shows_no_year(page: ClientPage) -> None:
    """A birthday stands as day and month; no year follows it."""
    assert "13 Nov birthday of Jonas Stavros, in 13 days" in said(page)
    assert not re.search(r"13 Nov \d{4} birthday", said(page))


def test_few_answers_give_no_score(page: ClientPage) -> None:
    """Seven answers give a score, four give none and the page says so."""
    assert "7 of 11 surveys answered. Net promoter score 29." in said(page)
    few = replace(page, answers={**page.answers, "answered": 4, "nps": None})
    assert "No score under 5 answers." in said(few)


def test_estimates_stand_beside_a_naive_forecast(page: ClientPage) -> None:
    """The limits hold the model's AUC against that of the time since the last purchase; without a fit the reason."""
    assert re.search(r"AUC 0\.\d\d against 0\.\d\d", "\n".join(view.limits(page)))
    none = replace(page, estimates={**page.estimates, "usable": False, "why_not": "Too few."})
    assert "\n".join(view.limits(none)).startswith("Too few.")


def test_redacted_page_says_what_differs(page: ClientPage) -> None:
    """A redacted page says that hold-outs follow the pseudonym."""
    assert "follows the pseudonym" in "\n".join(view.limits(page, redacted=True))
    assert "pseudonym" not in "\n".join(view.limits(page))


def test_bare_book_says_what_it_lacks(bare: ClientPage) -> None:
    """A book with an account alone gives a page that names each missing table and shows no number for it."""
    text = said(bare)
    for table in ("products", "contracts", "deliveries and no surveys", "activities and no commitments"):
        assert f"This book holds no {table}" in text
    assert "nan" not in text.casefold()
    assert "None" not in text
    assert "Nothing stands open" not in text
    assert "History" not in text


def test_names_are_escaped(bare: ClientPage) -> None:
    """What a name holds is shown and not obeyed."""
    html = "".join(str(block.html) for block in blocks(bare))
    assert "<b>Kay</b>" not in html
    assert "&lt;b&gt;Kay&lt;/b&gt;" in html


def test_long_lists_are_cut_and_counted(page: ClientPage) -> None:
    """Beyond MOST and one entries a list shows MOST and how many more there are."""
    many = pd.concat([page.families] * 4, ignore_index=True)
    text = view.needs_and_contracts(replace(page, families=many)).text
    assert f"{len(many) - view.MOST} more" in text


def test_page_shows_only_its_client(page: ClientPage, sample: Path) -> None:
    """Of all accounts of the sample the page names its own alone."""
    text = said(copy.copy(page))
    names = open_book(sample).table("accounts").account_name.to_pandas()
    assert [name for name in names if name in text] == ["Kestralin Ceramics GmbH"]
