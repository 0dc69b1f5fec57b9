"""The page of customer segments: every block, on the sample and where there is next to nothing to show."""

from __future__ import annotations

import functools
from dataclasses import replace
from datetime import date
from pathlib import Path

import altair as alt
import pytest
from books import Row, Rows, make_book

from salesops.book.source import Book
from salesops.models.segments import TOO_FEW
from salesops.pages.segments import charts as segments_charts
from salesops.pages.segments import moves as segments_moves
from salesops.pages.segments import page as segments_page
from salesops.pages.segments import trust as segments_trust
from salesops.pages.segments.findings import METHODS, CustomerSegments, customer_segments
from salesops.views.blocks import Block, note

DAY = date(2026, 10, 31)
BLOCKS = (
    segments_page.page_head,
    segments_page.key_figures,
    segments_page.segments_table,
    segments_trust.rules_list,
    segments_trust.stability,
    segments_trust.estimates,
    lambda found: note(*segments_page.limits(found)),
    segments_page.how_defined,
    segments_moves.since_words,
    segments_moves.moves,
    segments_moves.movers_table,
    segments_moves.segment_plays,
    lambda s: segments_moves.plays(s, logged=None),
)
CHARTS = (segments_charts.shares_chart, segments_charts.since_chart, segments_charts.moves_chart)


def shop(folder: Path, sales: list[tuple[str | None, str, float]], **tables: Rows) -> Book:
    orders: Rows = [{"order_id": f"O{n}", "account_id": row[0], "ordered_at": row[1]} for n, row in enumerate(sales)]
    lines: Rows = [
        {"order_line_id": f"L{n}", "order_id": f"O{n}", "quantity": 1 if row[2] > 0 else -1, "net_amount": row[2]}
        for n, row in enumerate(sales)
    ]
    return make_book(folder, {"orders": orders, "order_lines": lines, **tables})


def page(found: CustomerSegments) -> str:
    """The whole page as text; every chart is checked against its schema."""
    for draw in CHARTS:
        drawn = draw(found)
        assert isinstance(drawn, Block) or drawn.to_dict()["description"]
    return "\n".join(block(found).text for block in BLOCKS)


@functools.cache
def by(company_book: Book, method: str) -> CustomerSegments:
    return customer_segments(company_book, DAY, method=method)


@pytest.fixture
def found(company_book: Book) -> CustomerSegments:
    """The sample's segments by the default rules."""
    return by(company_book, "grid")


def test_headline_and_figures_are_the_results(found: CustomerSegments) -> None:
    """Counts and shares on page one are those of the results, rounded for people."""
    head, figures, results = (
        segments_page.page_head(found).text,
        segments_page.key_figures(found).text,
        found.results(),
    )
    named = [row for row in results["segments"] if row["segment"] != TOO_FEW]
    held = sum(row["customers"] for row in named)
    assert held < results["customers"]
    assert f"{results['customers']} customers, {held} of them in {len(named)} segments" in head
    assert f"{results['moved']} changed segment" in head
    best = max(named, key=lambda row: row["value_share"])
    assert f"“{best['segment']}” ({best['customer_share']:.0%}) hold {best['value_share']:.0%}" in head
    assert f"thousand EUR: {results['expected_money'] / 1000:,.0f}" in figures
    low, high = (results[f"expected_money_{end}"] / 1000 for end in ("low", "high"))
    assert f"({low:,.0f} to {high:,.0f}, in 4 of 5 cases)" in figures
    assert f"{results['never_bought']} accounts not yet clients" in figures


def test_every_segment_stands_in_table_chart_and_rules(found: CustomerSegments) -> None:
    """No segment is left out of the table, of the chart or of the rules; the table adds up."""
    table, rules = segments_page.segments_table(found).text, segments_trust.rules_list(found).text
    chart = segments_charts.shares_chart(found)
    assert isinstance(chart, alt.LayerChart)
    for name in found.segments.segment:
        assert name in table
        assert f"- {name}: " in rules
        assert f"{name}: " in chart.to_dict()["description"]
    assert table.splitlines()[-1].split()[:2] == ["All", str(len(found.now.table))]


def test_estimates_stand_beside_both_baselines(found: CustomerSegments) -> None:
    """The model's test names what came, the hiatus and predicting zero, and the money as well."""
    text = segments_trust.estimates(found).text
    for said in ("MBG/NBD on 522 customers", "time since last purchase", "predict zero", "Money:", "own mean so far"):
        assert said in text
    assert f"{found.now.backtest.actual.iloc[0]:,.0f} came" in text


def test_stability_is_one_figure(found: CustomerSegments) -> None:
    """The table shows the agreement that the verdict names, to thousandths."""
    shown = segments_trust.stability(found).text
    assert found.agreement is not None
    assert f"mean ARI {found.agreement:.3f}".replace("0.", ".") in found.verdict
    assert f"Rules, {len(found.segments)} segments" in shown
    (line,) = (line for line in shown.splitlines() if line.startswith("Rules, "))
    assert line.split()[3] == f"{found.agreement:.3f}"


def test_numbers_in_rules_have_no_tails(company_book: Book) -> None:
    """A cut reads as a person writes it, whatever the last bits of its sum."""
    text = segments_trust.rules_list(by(company_book, "value")).text
    assert not any(len(word.strip(".,;").partition(".")[2]) > 4 for word in text.split())


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_a_page(company_book: Book, method: str) -> None:
    """Rules and clusters fill every block; clusters are described by their medians."""
    text = page(by(company_book, method))
    assert "There are no segments" not in text
    assert ("(medians)" in text) == (method in ("kmeans", "mixture"))


ONE: list[tuple[str | None, str, float]] = [("A", "2026-06-01", 50)]
ALIKE: list[tuple[str | None, str, float]] = [
    (f"A{n}", day, 10) for n in range(60) for day in ("2026-01-05", "2026-04-05", "2026-05-05")
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("sales", "said"),
    [
        ([("A", "2026-12-01", 50.0)], "Nobody has bought anything by this date"),
        ([(None, "2026-06-01", 50.0)], "Nobody has bought anything by this date"),
        ([("A", "2026-06-01", -50.0)], "1 customer only returned goods"),
        (ONE, "1 customer"),
        (ALIKE, "60 customers"),
        ([*ALIKE, *((f"A{n}", "2026-06-05", -500.0) for n in range(60))], "60 customers"),
    ],
    ids=("later", "nobody", "returned", "one", "alike", "negative"),
)
def test_next_to_nothing_reads_as_a_sentence(
    tmp_path: Path, sales: list[tuple[str | None, str, float]], said: str, method: str
) -> None:
    """Without customers, with one, with all alike, with negative totals: every block says what it lacks."""
    text = page(customer_segments(shop(tmp_path, sales), DAY, method=method))
    assert said in text
    assert "nan" not in text.lower().split()
    assert "There are no estimates." in text
    assert "This book has no playbook" in text


def test_one_segment_is_no_agreement(tmp_path: Path) -> None:
    """Customers of too few purchases are in no segment; that one kind agrees with itself is no news."""
    found = customer_segments(shop(tmp_path, ALIKE), DAY)
    assert found.agreement is None
    assert "60 customers, and no segments: of none is a rhythm known." in segments_page.page_head(found).text
    assert "too few different customers" in segments_trust.stability(found).text
    assert "agree" not in segments_page.key_figures(found).text


def test_the_nearer_sum_is_named(found: CustomerSegments) -> None:
    """Where carrying on each customer's pace came nearer to the money, the page advises against planning a total."""
    test = {"expected": 50.0, "came": 100.0, "naive": 90.0, "rank": 0.5, "naive_rank": 0.4, "low": None}
    advice = "plan no total on the estimate"
    assert advice in segments_trust.estimates(replace(found, value_test=test)).text
    assert advice not in segments_trust.estimates(replace(found, value_test={**test, "naive": 200.0})).text


def test_silence_of_the_book_is_named(tmp_path: Path) -> None:
    """A date long after the last purchase of anyone is said to read as the customers' silence."""
    text = "\n".join(segments_page.limits(customer_segments(shop(tmp_path, ONE), date(2027, 6, 1))))
    assert "Nobody bought in the last 365 days before 1 Jun 2027" in text


def test_what_is_left_out_is_said_in_words(tmp_path: Path) -> None:
    """Sales without customer, returns alone and accounts that never bought are counted in the limits."""
    accounts: list[Row] = [{"account_id": "A"}, {"account_id": "C"}]
    sales: list[tuple[str | None, str, float]] = [*ONE, (None, "2026-06-02", 70), ("B", "2026-06-03", -5)]
    text = "\n".join(segments_page.limits(customer_segments(shop(tmp_path, sales, accounts=accounts), DAY)))
    assert "In no segment: 1 order line of 1 order without a customer, 70\N{NO-BREAK SPACE}EUR in all." in text
    assert "1 customer only returned goods" in text
    assert "1 account is no client by this date, and in no segment." in text


def test_names_are_data(tmp_path: Path) -> None:
    """A customer named like markup is shown as written, and never becomes markup."""
    name = "<b>=1+1</b>"
    sales: list[tuple[str | None, str, float]] = [
        (f"A{n}", f"2026-0{1 + n % 5}-1{k}", 10 + n) for n in range(20) for k in range(1 + n % 4)
    ]
    book = shop(tmp_path, sales, accounts=[{"account_id": "A19", "account_name": name}])
    shown = segments_moves.movers_table(customer_segments(book, DAY))
    assert name in shown.text
    assert "&lt;b&gt;=1+1&lt;/b&gt;" in shown.html
    assert name not in shown.html
