"""Tables for people."""

from __future__ import annotations

import re
from datetime import date

import pandas as pd
import pytest

from salesops import words
from salesops.views.table import Column, amount, bullet, day, gap, number, share, table, tag, text

SCALE = words.Scale(1000, "thousand EUR", 0)


def cells(column: Column, *values: object) -> list[str]:
    """The words of a column as a screen reader would say them."""
    frame = pd.DataFrame({"who": ["x"] * len(values), "v": pd.Series(values, dtype=object)})
    html = table(frame, [text("who", "Who"), column], caption="c")._repr_html_()
    shown = re.findall(r"<td[^>]*>(.*?)</td>", html)
    heard = [re.sub(r'<(\w+)[^>]*aria-hidden="true".*?</\1>', "", cell) for cell in shown]
    return [" ".join(re.sub(r"<[^>]+>", "", cell).split()) for cell in heard]


@pytest.mark.parametrize(
    ("column", "values", "shown"),
    [
        (amount("v", "V", scale=SCALE), [614_000, -2_000, None, 400], ["614", "−2", "–", "&lt;1"]),
        (gap("v", "V", scale=SCALE), [126_000, 0, -60_000, None], ["126", "0", "+60 above goal", "–"]),
        (share("v", "V"), [0.5, None], ["50%", "–"]),
        (bullet("v", "V"), [0.79, 0, -1, 2.54, None], ["79%", "0%", "−100%", "254%", "–"]),
        (number("v", "V", decimals=1), [1200, None], ["1,200.0", "–"]),
        (day("v", "V"), [date(2013, 9, 28), None], ["28 Sep 2013", "–"]),
        (tag("v", "V"), ["kept", ["missed", "moved"], "soon", None], ["kept", "missed moved", "soon", "–"]),
        (text("v", "V"), ["<b>", "محمد", None], ["&lt;b&gt;", "محمد", "–"]),
    ],
)
def test_a_column_shows_its_values_in_words(column: Column, values: list[object], shown: list[str]) -> None:
    """Each kind of column says its values in words, so that neither colour nor picture is needed."""
    assert cells(column, *values) == shown


def test_rows_and_columns_have_headers() -> None:
    """Every column and every row, the total too, has a header with scope; the caption stands inside."""
    frame = pd.DataFrame({"who": ["A", "B"], "v": [1, 2]})
    block = table(frame, [text("who", "Who"), number("v", "V")], caption="What it shows.", total={"who": "All", "v": 3})
    html = block._repr_html_()
    assert html.count('<th scope="col"') == 2
    assert html.count('<th scope="row"') == 3
    assert "<caption>What it shows.</caption>" in html
    assert re.search(r"<tfoot><tr><th[^>]*><bdi>All</bdi></th><td>3</td></tr></tfoot>", html)


def test_the_same_table_is_the_same_bytes() -> None:
    """Nothing random is in a table: nbval compares outputs byte for byte."""
    frame = pd.DataFrame({"who": ["A"], "v": [0.9]})
    columns = [text("who", "Who"), bullet("v", "Of goal")]
    assert table(frame, columns, caption="c") == table(frame.copy(), columns, caption="c")


def test_the_goal_line_stands_at_the_same_place_in_every_bar() -> None:
    """Bars share one scale, full at 140% of the goal; a longer one ends in an arrow head."""
    html = table(pd.DataFrame({"v": [0.5, 1.4, 9]}), [bullet("v", "Of goal")], caption="c")._repr_html_()
    assert re.findall(r'd="M([\d.]+) 0V14"', html) == ["114.3"] * 3
    assert re.findall(r'd="(M0 4[^"]+)" fill="var', html) == [
        "M0 4H57.1V10H0Z",
        "M0 4H160.0V10H0Z",
        "M0 4H154L160 7L154 10H0Z",
    ]


def test_columns_and_notes_can_stand_back() -> None:
    """A column may hide on phones, and a second column may follow as a small note; an absent note adds nothing."""
    frame = pd.DataFrame({"who": ["A", "B"], "role": ["manager", None], "v": [1, 2]})
    html = table(frame, [text("who", "Who", note="role"), number("v", "V", phone=False)], caption="c")._repr_html_()
    assert html.count("<small>manager</small>") == html.count("<small>") == 1
    assert html.count('class="wide"') == 3


def test_no_rows_is_said() -> None:
    """An empty table is one sentence, in HTML and in text: no caption and no heads stand without rows."""
    block = table(pd.DataFrame({"who": []}), [text("who", "Who")], caption="Due.", empty="None was due.")
    assert block._repr_html_() == '<p class="note">None was due.</p>'
    assert repr(block) == "None was due."


def test_long_names_are_whole() -> None:
    """A name of 500 letters is in the page in full; only the style sheet cuts what is seen."""
    name = "Ünïcode " * 62
    html = table(pd.DataFrame({"who": [name]}), [text("who", "Who")], caption="c")._repr_html_()
    assert f'<bdi class="long" title="{name}">{name}</bdi>' in html


def test_text_lines_up() -> None:
    """Where no HTML is shown, columns line up: words left, numbers right."""
    frame = pd.DataFrame({"who": ["Ann", "Bartholomew"], "v": [5, 1200]})
    shown = repr(table(frame, [text("who", "Who"), number("v", "Deals")], caption="By name."))
    assert shown == "By name.\nWho          Deals\nAnn              5\nBartholomew  1,200"
