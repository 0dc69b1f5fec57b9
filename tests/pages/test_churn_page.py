"""The churn page: every block on made results, and on books that give next to nothing to show."""

from __future__ import annotations

import functools
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from books import Rows, make_book
from churns import DAY, TERMS, made_churn, made_review

from salesops.book.source import Book
from salesops.errors import ChurnError, PeriodError
from salesops.models.churn.health import Alerts
from salesops.models.churn.save_rate import SaveRate
from salesops.models.plays.hold_out import CALL
from salesops.pages.churn import charts as churn_charts
from salesops.pages.churn import health as churn_health
from salesops.pages.churn import page as churn_page
from salesops.pages.churn import trust as churn_trust
from salesops.pages.churn.findings import ChurnReview, churn_review
from salesops.views.blocks import Block, note

BLOCKS = (
    churn_page.page_head,
    churn_page.key_figures,
    churn_page.call_list,
    churn_page.no_rhythm,
    churn_trust.trust,
    churn_health.cohorts,
    churn_health.retention,
    churn_health.calibration,
    churn_health.drivers,
    partial(churn_health.health, logged=None),
    lambda found: note(*churn_page.limits(found)),
    churn_page.how_defined,
)
CHARTS = (churn_charts.survival_chart, churn_charts.calibration_chart)


def page(found: ChurnReview) -> str:
    """The whole page as text; every chart is checked against its schema."""
    for draw in CHARTS:
        drawn = draw(found)
        assert isinstance(drawn, Block) or drawn.to_dict()["description"]
    text = "\n".join(block(found).text for block in BLOCKS)
    assert "nan" not in text.lower().split()
    return text


@pytest.fixture
def found() -> ChurnReview:
    return made_review()


def test_headline_and_figures_are_the_results(found: ChurnReview) -> None:
    """How many, how much, and both intervals on page one are those of the results."""
    risk = found.now.at_risk
    head, figures = churn_page.page_head(found).text, churn_page.key_figures(found).text
    lost = (found.now.table.state == "lost").sum()
    assert f"{lost} of {len(found.now.table)} clients with a rhythm are lost by now." in head
    ends = f"({risk.clients_low:.0f} to {risk.clients_high:.0f})"
    assert f"{risk.clients:.0f} {ends} are expected to be lost on 29 Jan 2027;" in head
    assert f"at the pace of the last year they bring {risk.value / 1000:.0f}\N{NO-BREAK SPACE}k" in head
    # 90 days are the fewest, whatever the rhythms say
    assert "looks 90 days ahead. " in head
    longer = churn_page.page_head(replace(found, now=replace(found.now, horizon_days=105))).text
    assert "looks 105 days ahead, as far as the clients’ own rhythms say" in longer
    assert "Buy nothing in 90 days: 140 (of 410; alone that is no loss)" in figures
    assert "Without a rhythm, " in figures
    assert f"Calls: {len(found.calls.called)} ({found.calls.counts['beyond']} more worth one)" in figures


def test_every_call_has_reason_owner_play_and_day(found: ChurnReview) -> None:
    """All that are called stand on the page, best first, each with reasons, play, owner and day."""
    text = churn_page.call_list(found).text
    names = list(found.calls.called.account_name)
    assert len(names) == TERMS.capacity
    assert "clients to leave" not in text
    places = [text.index(f"{name}:" if n < churn_page.FIRST else f"{name} ") for n, name in enumerate(names)]
    assert places == sorted(places)
    first = found.calls.called.iloc[0]
    how = (
        f"lost, {first.p_churn:.0%} to stay so"
        if first.state == "lost"
        else f"{first.p_churn:.0%} to be lost by 29 Jan"
    )
    assert f"{first.account_name}: {how}" in text
    assert (
        f"Last purchase {first.hiatus_days} days ago; it buys every {first.median_gap:.0f} days, and counts as" in text
    )
    assert "up; others 31." in text
    assert "by 1 Nov 2026. Play: Win back (call). Expected profit" in text


def test_a_talk_is_marked_as_one() -> None:
    """Places that are left go to clients without a rhythm, marked so, with their chance and without a profit."""
    found = made_review(terms=replace(TERMS, capacity=0, contact_cost=300))
    text = churn_page.call_list(found).text
    talks = found.calls.called[found.calls.called.arm == "talk"]
    assert 0 < len(talks) <= len(found.calls.called) / 10
    assert f"{len(talks)} of them " in text or "1 of them is worth a talk" in text
    assert "no rhythm is known, and no profit is claimed" in text


def test_who_has_no_rhythm_is_told_apart(found: ChurnReview) -> None:
    """How many and why, what they bring apart from the money at risk, and each with the chance of another order."""
    text = churn_page.no_rhythm(found).text
    assert "Of 10 clients no rhythm is known: 5 have fewer than 6 purchases and 5 buy mostly by deals." in text
    assert "is not in the money at risk" in text
    assert (
        "140 of 410 clients who bought in the last year are expected to buy nothing in the next 90 days (120 to 160)."
        in text
    )
    assert text.index("Project 0") < text.index("Project 9")
    contracts = churn_page.no_rhythm(made_review(made_churn(setting="contracts"))).text
    assert contracts == "Contracts are scored here, and ask for no rhythm."  # absent: no section stands on it


def test_a_vacant_place_is_said(found: ChurnReview) -> None:
    """Neither a client without an owner nor one whose owner has left looks as if somebody would call."""
    called = found.calls.called
    text = churn_page.call_list(found).text
    assert (called.owner_name.isna()).any()
    assert text.count("no owner: name one") == called.owner_name.isna().sum()
    assert text.count("has left: name a new owner") == (called.vacant & called.owner_name.notna()).sum()


def test_controls_are_named_and_not_called() -> None:
    """Who is left alone by chance is named with the reason, and stands in no list of calls."""
    found = made_review(terms=replace(TERMS, control_share=0.5))
    text = churn_page.call_list(found).text
    controls = list(found.calls.table[found.calls.table.arm == "control"].account_name)
    assert f"Do not call {controls[0]}, " in text
    assert "left alone by chance, so that the calls can be judged" in text
    assert not set(controls) & set(found.calls.called.account_name)


def test_assumptions_are_marked_until_measured(found: ChurnReview) -> None:
    """The save rate reads as an assumption until the log has enough, then as measured with its interval."""
    assert "The save rate of 30% is an assumption: no call has been logged yet." in page(found)
    early = SaveRate(0.3, False, 0.2, -0.4, 0.6, 12, 4, 11, 5, 9, "too early to say")
    text = page(replace(found, saved=early))
    assert "Too early to say: 4 of 12 called were lost, 5 of 11 left alone by chance" in text
    enough = replace(early, value=0.2, measured=True, low=-0.1)
    text = page(replace(found, saved=enough, terms=replace(TERMS, save_rate=0.2)))
    assert "The save rate of 20% is measured (−10% to 60%)" in text


def test_the_method_stands_beside_every_baseline(found: ChurnReview) -> None:
    """The sentence comes first and names both AUCs; the table shows every method, and which is in use."""
    shown = churn_trust.trust(found)
    assert shown.text.startswith("Tested on 400 clients of 2 Aug 2026 that could be lost by the end of the horizon")
    assert (
        "Over 2 slices of time logistic regression ranks with AUC 0.80; the next one is expected within 0.72 to 0.88."
        in shown.text
    )
    assert "would have brought 11.0" in shown.text
    assert "to call the largest of those who may be called 10.0" in shown.text
    assert "It adds 400\N{NO-BREAK SPACE}EUR to the better of the two." in shown.text
    for name in (
        "call the largest",
        "own-rhythm rule",
        "tenure",
        "P(active), MBG/NBD",
        "additive boosting",
        "full boosting",
    ):
        assert name in shown.text
    assert shown.html.count("in use") == 1


def test_the_hiatus_rule_is_named_as_such() -> None:
    """When no model beats the hiatus, the page says so and says that the rule is used."""
    why = "The hiatus rule is used: no model beats it by more than the noise."
    text = page(made_review(made_churn(model="hiatus rule", why=why)))
    assert why in text
    assert "Hiatus rule: ranks by days since the last purchase" in text


def test_too_few_show_the_hiatus_list() -> None:
    """20 clients: no chance is claimed, the list is by silence against the own gap, and nobody is picked."""
    found = made_review(made_churn(20, usable=False))
    text = page(found)
    assert "Too few to model: 20 clients." in churn_page.page_head(found).text
    assert "No chance is claimed" in text
    assert "nobody is picked" in text
    order = found.now.table.sort_values("hiatus_ratio", ascending=False).account_name
    places = [text.index(f"\n{name} ") for name in order]
    assert places == sorted(places)


def test_no_call_worth_its_cost_is_said() -> None:
    """Terms under which every call loses money give no list, and a sentence."""
    text = churn_page.call_list(made_review(terms=replace(TERMS, contact_cost=1e9))).text
    assert text.startswith("- No call is worth its cost on these terms.")


def test_alerts_and_drift_are_told(found: ChurnReview) -> None:
    """Health says how many alerts came true, beside what was foretold and beside everyone."""
    came = Alerts(alerts=40, lost=26, low=0.5, high=0.78, expected=0.6, everyone=0.2)
    text = churn_health.health(replace(found, came=came), logged=None).text
    assert "26 were lost since: 65% (50% to 78%); 60% was foretold. Of all scored then, 20% were lost." in text
    assert "population stability index" in text
    nobody = replace(came, alerts=0, lost=0)
    assert "has a known outcome yet" in churn_health.health(replace(found, came=nobody), logged=None).text


def test_a_slice_outside_chance_is_counted(found: ChurnReview) -> None:
    """A slice whose losses lie outside the interval is said, not only shown."""
    slices = found.slices.assign(holds=[False, True])
    assert (
        "In 1 of 2 test slices the losses lie outside" in churn_health.calibration(replace(found, slices=slices)).text
    )


def test_contracts_speak_of_contracts() -> None:
    """In the other setting, lost is not renewed and money is a year's; nobody is said to buy nothing."""
    text = page(made_review(made_churn(setting="contracts")))
    assert "contracts are expected not to be renewed" in text
    assert "they bring" in text
    assert "Other contracts of this client run on: this would be a downsell." in text
    assert "buy nothing" not in text
    assert "Churn, by contracts with a term" in text


def test_limits_say_what_holds_outside_and_what_is_left_out(found: ChurnReview) -> None:
    """Telco cannot prove temporal validity, and the page says it."""
    text = "\n".join(churn_page.limits(found, redacted=True))
    assert "so it cannot prove temporal validity" in text
    assert "Not scored: 12 (silent for more than a year)." in text
    assert "associations, not causes" in text
    assert "call nobody from this one" in text
    assert "call nobody from this one" not in "\n".join(churn_page.limits(found))


def test_counts_of_one_read_as_sentences() -> None:
    """One client without a rhythm, and one more worth a call, are told in the singular."""
    now = made_churn()
    for by_deals, why in ((0.0, "1 has fewer than 6 purchases"), (1.0, "1 buys mostly by deals")):
        one = now.others.head(1).assign(by_deals=by_deals)
        found = made_review(replace(now, others=one))
        assert f"Of 1 client no rhythm is known: {why}." in churn_page.no_rhythm(found).text
    empty = made_review(replace(now, table=now.table.head(0), others=now.others.head(1)))
    assert "1 client has none, and nobody can say of it that it left." in churn_page.page_head(empty).text
    found = made_review()
    table = found.calls.table.head(2).assign(arm=["call", "beyond"])
    text = churn_page.call_list(replace(found, calls=replace(found.calls, table=table))).text
    assert "1 more is worth a call, but lies beyond the capacity of 25 calls." in text


def test_a_horizon_of_a_year_leaves_nobody_lost_by_now() -> None:
    """Who bought within a year cannot have been silent for longer than that: the page says so in place of a 0."""
    found = made_review(made_churn(horizon_days=364))
    assert "400 clients with a rhythm bought in the last year: too lately to be lost by now." in page(found)
    assert "Lost by now" not in churn_page.key_figures(found).text


def test_accounts_without_scores_are_listed_by_what_they_bring() -> None:
    """Without a chance, accounts stand by their money and contracts by their end: neither has a silence."""
    made = made_churn(40, usable=False)
    money = made_review(replace(made, setting="accounts"))
    assert "Those that bring most are listed below." in churn_page.page_head(money).text
    text = churn_page.call_list(money).text
    places = [text.index(f"\n{name} ") for name in made.table.nlargest(30, "value_at_risk").account_name]
    assert places == sorted(places)
    ends = made_review(made_churn(40, setting="contracts", usable=False))
    assert "Those that end first are listed below." in churn_page.page_head(ends).text
    text = churn_page.call_list(ends).text
    names = ends.now.table.sort_values("end_date", kind="stable").account_name.head(30)
    assert [text.index(f"\n{name} ") for name in names] == sorted(text.index(f"\n{name} ") for name in names)


def test_names_are_data() -> None:
    """A client named like markup is shown as written, in cards, tables and sentences."""
    name = "<b>=1+1</b>"
    now = made_churn()
    found = made_review(
        replace(now, table=now.table.assign(account_name=name)), terms=replace(TERMS, control_share=0.4)
    )
    shown = churn_page.call_list(found)
    assert name in shown.text
    assert "&lt;b&gt;=1+1&lt;/b&gt;" in shown.html
    assert name not in shown.html


def test_results_are_plain(found: ChurnReview) -> None:
    """What the next report reads is JSON without NaN, and states what the page states."""
    results = found.results()
    assert results["calls"] == len(found.calls.called)
    assert results["expected_lost"] == pytest.approx(found.now.at_risk.clients, abs=1e-4)
    assert (results["auc"], results["auc_low"], results["auc_high"]) == (0.8, 0.72, 0.88)
    assert results["lost_now"] == (found.now.table.state == "lost").sum()
    assert results["without_rhythm"] == 10
    assert made_review(made_churn(20, usable=False)).results()["expected_lost"] is None


def shop(folder: Path, sales: list[tuple[str | None, date, float]], **tables: Rows) -> Book:
    orders: Rows = [{"order_id": f"O{n}", "account_id": row[0], "ordered_at": row[1]} for n, row in enumerate(sales)]
    lines: Rows = [
        {"order_line_id": f"L{n}", "order_id": f"O{n}", "quantity": 1 if row[2] > 0 else -1, "net_amount": row[2]}
        for n, row in enumerate(sales)
    ]
    accounts: Rows = [{"account_id": name} for name in sorted({row[0] for row in sales if row[0]})]
    return make_book(folder, {"accounts": accounts, "orders": orders, "order_lines": lines, **tables})


def regular(count: int, gap: int, until: int = 0) -> list[tuple[str | None, date, float]]:
    """So many clients who each buy every few days, up to so many days before the day."""
    return [
        (f"A{n:03}", DAY - timedelta(days=ago + n % 5), 100.0 + n)
        for n in range(count)
        for ago in range(until, 700, gap)
    ]


CASES: dict[str, list[tuple[str | None, date, float]]] = {
    "nobody": [(None, DAY, 5.0)],
    "one": [("A", DAY, 5.0)],
    "few": regular(20, 30),
    "no churn": regular(120, 20),
    "all churned": regular(120, 20, until=200),
    "returns": [*regular(60, 40), *((f"A{n:03}", DAY, -1e4) for n in range(60))],
    "short": [(f"A{n:03}", DAY - timedelta(days=n % 20), 10.0) for n in range(80)],
}


@pytest.mark.parametrize("case", CASES)
def test_any_book_gives_a_page(tmp_path: Path, case: str) -> None:
    """Nobody, one, 20, none lost, all lost, returns alone, a book shorter than the horizon: sentences, no traceback."""
    found = churn_review(shop(tmp_path, CASES[case]), DAY, TERMS)
    text = page(found)
    if case == "few":
        assert "too few" in text.lower()
    if not found.now.usable:
        assert found.now.why
        assert found.results()["expected_lost"] is None


def test_silence_of_the_book_and_missing_owners_are_named(tmp_path: Path) -> None:
    """A date long after anyone's last purchase reads as everyone's silence, and the limits say so."""
    text = "\n".join(churn_page.limits(churn_review(shop(tmp_path, regular(30, 20, until=60)), DAY, TERMS)))
    assert "Nobody bought in the last 60 days before 31 Oct 2026" in text
    assert "names no owner of any client scored" in text


@pytest.mark.parametrize("setting", ["orders", "contracts"])
@pytest.mark.parametrize("horizon", [1, 3640])
def test_any_horizon_gives_a_page(company_book: Book, setting: str, horizon: int) -> None:
    """A horizon of a day, and one longer than the data, are pages too."""
    found = churn_review(company_book, DAY, TERMS, setting=setting, horizon_days=horizon)
    assert f"Churn, by {setting}" in page(found)


def test_clients_silent_for_too_long_are_told(tmp_path: Path) -> None:
    """Where every client has been silent for more than a year, the page says that, and shows no empty figures."""
    old = (DAY - timedelta(days=400)).isoformat()
    line = {"product_id": "P", "quantity": 1.0, "unit_price": 10.0}
    book = make_book(
        tmp_path,
        {
            "accounts": [{"account_id": key} for key in "AB"],
            "products": [{"product_id": "P"}],
            "orders": [{"order_id": key, "account_id": key, "ordered_at": old} for key in "AB"],
            "order_lines": [{"order_line_id": key, "order_id": key, **line} for key in "AB"],
        },
    )
    text = page(churn_review(book, DAY, TERMS))
    assert "No client has a rhythm that could be broken on 31 Oct 2026." in text
    assert "Not scored: 2 (silent for more than a year)." in text
    assert "Lost by" not in text


def test_a_book_without_orders_or_contracts_gives_a_page(tmp_path: Path) -> None:
    """Accounts alone, in any setting: nobody to score."""
    book = make_book(tmp_path, {"accounts": [{"account_id": "A"}]})
    for setting, said in (("", "No client has a rhythm"), ("contracts", "No contract is up for renewal")):
        assert said in page(churn_review(book, DAY, TERMS, setting=setting))


def test_what_cannot_be_asked_is_refused(company_book: Book) -> None:
    """An unknown setting and a horizon below a day are named."""
    book = company_book
    with pytest.raises(ChurnError, match=r"must be 'orders' or 'contracts'\. Got 'order'\. Did you mean 'orders'"):
        churn_review(book, DAY, TERMS, setting="order")
    with pytest.raises(PeriodError, match=r"horizon must be 1 to 3,640 days\. Got -1\."):
        churn_review(book, DAY, TERMS, horizon_days=-1)
    with pytest.raises(PeriodError, match=r"horizon must be 1 to 3,640 days\. Got 10,000,000\."):
        churn_review(book, DAY, TERMS, horizon_days=10**7)


def test_logged_calls_measure_the_save_rate(tmp_path: Path) -> None:
    """Calls in the book's play log, held against its orders: the rate on the page is the one worked out by hand."""
    start = DAY - timedelta(days=120)
    arms = ["play"] * 60 + ["hold-out"] * 60
    log = pd.DataFrame(
        {
            "logged_on": start.isoformat(),
            "account_id": [f"A{n:03}" for n in range(120)],
            "play_id": CALL,
            "version": "1",
            "event": "assigned",
            "arm": arms,
            "note": "",
        }
    )
    # lost: 15 of the 60 called, 30 of the 60 controls
    quiet = [*range(15), *range(60, 90)]
    sales = [row for row in regular(120, 20) if int(str(row[0])[1:]) not in quiet or row[1] < start]
    book = shop(tmp_path, sales)
    log.to_csv(tmp_path / "play_log.csv", index=False)
    found = churn_review(book, DAY, TERMS)
    assert found.saved.measured
    assert found.terms.save_rate == found.saved.value == pytest.approx(0.5)
    assert "The save rate of 50% is measured" in page(found)
    strangers = log.assign(account_id=[f"X{n}" for n in range(120)])
    strangers.to_csv(tmp_path / "play_log.csv", index=False)
    found = churn_review(book, DAY, TERMS)
    assert not found.saved.measured
    assert "120 of 120 logged calls name no account of this book." in page(found)
    (tmp_path / "play_log.csv").write_text("broken", encoding="utf-8")
    assert "The play log cannot be used, so the save rate is the assumption." in page(churn_review(book, DAY, TERMS))


@functools.cache
def of_sample(company_book: Book, setting: str) -> ChurnReview:
    return churn_review(company_book, DAY, TERMS, setting=setting)


@pytest.mark.parametrize("setting", ["orders", "contracts"])
def test_the_sample_gives_a_page_in_both_settings(company_book: Book, setting: str) -> None:
    """Each setting names its calls with owner and day, none before the day itself."""
    found = of_sample(company_book, setting)
    page(found)
    assert found.now.usable
    assert len(found.calls.called) > 0
    assert found.calls.called.owner_name.notna().all()
    assert (found.calls.called.by >= pd.Timestamp(DAY)).all()
    assert found.calls.called.may_call.all() if setting == "contracts" else True
    due = found.calls.called[found.calls.called.arm == "call"]
    assert (due.hiatus_days > due.gap_95).all() or setting == "contracts"
    assert (due.state != "in its usual pause").all()


def test_alerts_are_held_against_the_orders(company_book: Book, sample: Path) -> None:
    """Who was lost since the earlier date is counted here again, from the files, for all who were scored then."""
    found = of_sample(company_book, "orders")
    scored = found.before.table
    sql = f"""
        SELECT DISTINCT account_id
        FROM '{sample}/orders.parquet' JOIN '{sample}/order_lines.parquet' USING (order_id)
        WHERE (ordered_at AT TIME ZONE 'Europe/Berlin')::DATE > '{found.before.as_of}'
        AND (ordered_at AT TIME ZONE 'Europe/Berlin')::DATE <= '{DAY}'
        GROUP BY account_id, (ordered_at AT TIME ZONE 'Europe/Berlin')::DATE HAVING sum(net_amount) > 0
    """
    bought = set(duckdb.sql(sql).df().account_id)
    silent = scored.hiatus_days + found.now.horizon_days > scored.lost_after
    assert found.came.everyone == pytest.approx((~scored.account_id.isin(bought) & silent).mean(), abs=0.005)
    assert 0 < found.came.lost <= found.came.alerts <= TERMS.capacity * 1.5
    assert found.came.low < found.came.share < found.came.high


def test_the_page_says_what_was_written_down(found: ChurnReview) -> None:
    """Whoever asked for the log hears how many are new in it; whoever did not hears how to ask."""
    days = found.now.horizon_days
    assert (
        f"Run with log=true to write down who is called and who is left alone, to judge the calls in {days} days."
        in (churn_health.health(found, logged=None).text)
    )
    assert "play_log.csv: 1 client to call or to leave alone, not logged before." in (
        churn_health.health(found, logged=1).text
    )
