"""The index of reports."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from salesops.errors import PressError
from salesops.press.site import index_page, refuse_foreign, write_index

NASTY = "<script>alert(1)</script> =cmd|'!A0 \u202eمحمد 😀"


def entry(report_id: str, **more: Any) -> dict[str, Any]:
    base = {
        "id": report_id,
        "notebook": "team",
        "title": "Did the team make it?",
        "period": "2026-Q3",
        "person": "",
        "parameters": {"book": "sample", "period": "2026-Q3", "as_of": "2026-09-30"},
        "status": "ok",
        "started": "2026-10-01T06:00:59+00:00",
        "seconds": 1.5,
        "path": f"{report_id}.html",
        "results": {},
        "alerts": [],
        "changes": [],
        "since": "",
    }
    return {**base, **more}


def test_what_could_not_be_tried_is_named_at_the_top(tmp_path: Path) -> None:
    """Its name stands above the reports, as words and not as markup, and in index.json."""
    write_index(tmp_path, [entry("a")], [NASTY, "forecast"])
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    before, _, after = page.partition("<table")
    assert "Not made in the last run: &lt;script&gt;alert(1)" in before
    assert "forecast. The books or settings must be repaired first" in before
    assert "Not made" not in after
    assert json.loads((tmp_path / "index.json").read_text(encoding="utf-8"))["unplanned"] == [NASTY, "forecast"]


class Cells(HTMLParser):
    """The texts of table cells, the links, and whether every table header has a scope."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.links: list[str] = []
        self.unscoped = 0
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("td", "th", "h2"):
            self._open = True
            self.cells.append("")
        if tag == "th" and "scope" not in dict(attrs):
            self.unscoped += 1
        if tag == "a":
            self.links.append(str(dict(attrs)["href"]))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "h2"):
            self._open = False

    def handle_data(self, data: str) -> None:
        if self._open:
            self.cells[-1] += data


def read(html: str) -> Cells:
    cells = Cells()
    cells.feed(html)
    return cells


def test_the_index_goes_by_period_notebook_and_person(tmp_path: Path) -> None:
    """Latest period first; in it reports about all, then those about one person, by name; none without period lost."""
    entries = [
        entry("d", period=""),
        entry("z", notebook="rep", title="And you?", person="Zoë"),
        entry("a", notebook="rep", title="And you?", person="ana"),
        entry("t"),
        entry("n", period="2026-12"),
        entry("f", period="FY2025"),
    ]
    for name in "dzatnf":
        (tmp_path / f"{name}.html").touch()
    write_index(tmp_path, entries)
    listed = json.loads((tmp_path / "index.json").read_text(encoding="utf-8"))["reports"]
    assert [e["id"] for e in listed] == ["n", "t", "a", "z", "f", "d"]
    page = read((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert page.links[1:] == ["n.html", "t.html", "a.html", "z.html", "f.html", "d.html"]
    headings = [cell.strip() for cell in page.cells if re.search(r"\d reports?$", cell.strip())]
    assert headings == ["2026-12 1 report", "2026-Q3 3 reports", "FY2025 1 report", "Without period 1 report"]


def test_the_index_says_status_in_words() -> None:
    """A failure stands there as text with its reason, not as a colour alone; each table header has its scope."""
    page = read(index_page([entry("t"), entry("u", status="failed", error="ZeroDivisionError (cell 3)")]))
    assert [cell for cell in page.cells if cell in ("ok", "failed")] == ["ok", "failed"]
    assert any("ZeroDivisionError (cell 3)" in cell for cell in page.cells)
    assert page.unscoped == 0


def test_words_from_data_are_never_markup() -> None:
    """Names, titles, errors and parameters appear exactly, escaped."""
    nasty = entry("t", person=NASTY, title=NASTY, period=NASTY, error=NASTY, parameters={"manager": NASTY})
    html = index_page([nasty])
    assert html.count("<script>") == 1
    assert sum(NASTY in cell for cell in read(html).cells) == 3


def test_a_page_that_is_missing_is_no_link() -> None:
    """A report whose worker was killed has no page; the index says so without a dead link."""
    page = read(index_page([entry("t", path="", status="failed", error="killed")]))
    assert page.links == ["#reports"]


def test_reports_on_two_books_are_told_apart() -> None:
    """The book is named as soon as there is more than one; other parameters always."""
    one = index_page([entry("a"), entry("b", parameters={"book": "sample", "min_deals": 8, "redact": True})])
    assert "min deals: 8, redact: yes" in one
    assert "sample" not in one
    assert "maven" in index_page([entry("a"), entry("b", parameters={"book": "maven"})])


def test_the_index_loads_nothing() -> None:
    """No address of another place stands in the page: one file, no request."""
    assert not re.search(r"https?:|//\w|\bsrc=|@import|url\(", index_page([entry("t")]))


def test_an_empty_index_says_so() -> None:
    """Before the first report there is nothing to list."""
    assert "No report has been made yet." in index_page([])


def test_a_stale_page_stands_with_its_date_and_its_failure() -> None:
    """The last good page is linked with the day it was made, and what failed since is one click away."""
    failure = {"status": "timeout", "path": "t.failed.html", "started": "2026-10-08T06:00:00+00:00", "error": "Slow."}
    page = read(index_page([entry("t", status="stale", error="Slow.", failure=failure)]))
    assert page.links[1:] == ["t.html", "t.failed.html"]
    assert {"stale", "2026-10-01 06:00"} <= set(page.cells)
    assert any("Slow." in cell for cell in page.cells)


def test_alerts_and_what_changed_stand_beside_the_report() -> None:
    """Who reads only the index sees what wants attention, and what moved."""
    change = {"name": "attainment", "before": "71%", "now": "58%"}
    html = index_page([entry("t", alerts=["attainment is 0.58, below 0.60"], changes=[change]), entry("u")])
    assert "Alert: attainment is 0.58, below 0.60" in html
    assert "attainment: 71% → 58%" in html
    assert '2 reports, <strong class="alert">1 with an alert</strong>' in html


@pytest.mark.parametrize("content", ["{", "[]", '{"version": 2, "reports": []}', '{"version": 1, "reports": [{}]}'])
def test_a_foreign_index_is_refused(tmp_path: Path, content: str) -> None:
    """An index.json that the press did not write is an error."""
    (tmp_path / "index.json").write_text(content, encoding="utf-8")
    with pytest.raises(PressError, match="is not an index of reports"):
        refuse_foreign(tmp_path)


def team(id_: str, manager: str, **more: Any) -> dict[str, Any]:
    given = {"book": "sample", "period": "2026-Q3", "as_of": "2026-09-30", "manager": manager}
    return entry(id_, person=f"Manager {manager}", parameters=given, source="s", **more)


def rep(id_: str, manager: str, **more: Any) -> dict[str, Any]:
    given = {"book": "sample", "period": "2026-Q3", "as_of": "2026-09-30", "rep": id_}
    asked = {"parameters": given, "source": "s", "results": {"manager_id": manager}, **more}
    return entry(id_, notebook="rep", title="And you?", person=f"Rep {id_}", **asked)


def test_reps_stand_below_their_manager() -> None:
    """Each report stands once: a rep's below that of the manager, apart where the same book has none of the manager."""
    entries = [team("m1", "M1"), team("m2", "M2"), rep("c", "M2"), rep("a", "M1"), rep("b", "M1"), rep("d", "M9")]
    entries.append(rep("x", "M1", source="other"))
    assert read(index_page(entries)).links[1:] == [f"{id_}.html" for id_ in ("m1", "a", "b", "m2", "c", "d", "x")]


def test_a_report_says_what_it_found() -> None:
    """Its headline and figures stand beside it as text, escaped; a share's bar is its part of the whole."""
    figures = [
        {"name": "attainment", "value": 0.58, "form": "percent"},
        {"name": "booked", "value": 568_000.0, "form": "number"},
    ]
    html = index_page([entry("t", headline=NASTY, figures=figures), entry("u")])
    assert html.count("<script>") == 1
    assert "&lt;script&gt;alert(1)" in html
    assert 'attainment <b>58%</b><span style="width:58%">' in html
    assert "booked <b>568\xa0k</b></p>" in html  # alone it has nothing to be long against


def test_bars_compare_reports_of_one_notebook() -> None:
    """An amount's bar is as long as its part of the largest of the same notebook; no bar passes its place."""

    def with_(value: float, form: str) -> dict[str, Any]:
        return {"figures": [{"name": "f", "value": value, "form": form}]}

    html = index_page([entry("a", **with_(50, "number")), entry("b", **with_(200, "number"))])
    assert re.findall(r"width:(\d+)%", html.partition("<table")[2]) == ["25", "100"]
    html = index_page([entry("a", **with_(2.5, "percent"))])
    assert re.findall(r"width:(\d+)%", html.partition("<table")[2]) == ["100"]


def test_500_reports_fit_on_a_phone() -> None:
    """Each with a headline, three figures and two changes: the index stays below 400 kB."""
    figures = [{"name": name, "value": 123_456.0, "form": "number"} for name in ("booked", "gap", "commitments missed")]
    changes = [{"name": "commitments missed", "before": "1,234", "now": "2,345"}] * 2
    more = {"headline": "Anders Marchetto booked 123 k EUR of 137 k EUR: 37.0 k EUR to go with 66% of the time left.",
            "figures": figures, "changes": changes}  # fmt: skip  # one entry
    managers = [team(f"team-accountability-2026-q3-manager-{n}-0123abcd", f"M{n}", **more) for n in range(20)]
    reps = [rep(f"rep-accountability-2026-q3-person-{n}-0123abcd", f"M{n % 20}", **more) for n in range(480)]
    assert len(index_page(managers + reps).encode()) <= 400_000
