"""Names that are odd and right: exit code 0, shown exactly, and never taken for markup, formulas or paths."""

from __future__ import annotations

import csv
import html.parser
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from tiny_export import (
    LOST,
    OPEN,
    QUOTA,
    USERS,
    csv_text,
    deal,
    entries,
    run_pages,
    salesops,
    user,
    write_export,
    write_map,
)

from salesops import open_book
from salesops.cli.asking import asked_for, prepare
from salesops.metrics.attainment import attainment
from salesops.periods import parse_date, parse_period

NAMES = {
    "U1": "<script>alert(1)</script>",
    "U2": "=cmd|'/C calc'!A0",
    "U3": "😀 Zoë 🇵🇹",
    "U4": "שלום עולם",
    "U5": "<u>" + 497 * "L",
    "U6": "../../etc/passwd",
    "U7": "\N{RIGHT-TO-LEFT OVERRIDE}evil",
    "U8": "`a` $b$ **c** [d](http://e.f) &amp; \"g\"",
    "U9": '"><img src=x onerror=alert(1)>',
}  # fmt: skip  # reads as a table
PEOPLE = [user("M1", "<u>Boss</u>", role="manager", manager_id=""), *(user(*pair) for pair in NAMES.items())]
# U1 loses and U2 and U5 win often enough to be named in the charts
DEALS = [
    *(deal(f"D{user_id}", user_id) for user_id in NAMES),
    *(deal(f"<i>{number}</i>", "U1", **LOST) for number in range(20)),
    *(deal(f"=W{number}{user_id}", user_id) for number in range(20) for user_id in ("U2", "U5")),
    *(deal(f"<img src=x>{user_id}", user_id, **(OPEN | {"stage_name": "=1+1"})) for user_id in ("U1", "U5")),
]
GOALS = [{"owner_id": user_id, "quota_amount": "500", **QUOTA} for user_id in NAMES]
BOOKED = {user_id: 2100 if user_id in ("U2", "U5") else 100 for user_id in NAMES}


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `book`: a company whose every name is odd."""
    folder = tmp_path_factory.mktemp("harmless")
    write_export(folder / "book", users=PEOPLE, opportunities=DEALS, quotas=GOALS)
    (folder / "book" / "book.toml").write_text('company = "<u>Acme</u> & =Co"\n', encoding="utf-8")
    return folder


def test_check_and_import_keep_names_as_they_are(odd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither finds an error, and the imported book has each name to the letter."""
    assert salesops(capsys, "check", odd / "book")[:1] == (0,)
    map_, dest = write_map(tmp_path / "map.toml"), tmp_path / "new"
    code, out, _ = salesops(capsys, "import", "--map", map_, odd / "book", dest)
    assert code == 0
    assert "\nNo errors\n" in out
    for book in (open_book(odd / "book"), open_book(dest)):
        users = book.table("users").to_pyarrow().to_pylist()
        assert {row["user_id"]: row["user_name"] for row in users} == {"M1": "<u>Boss</u>", **NAMES}


def test_rejected_rows_are_no_formulas(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A spreadsheet that opens the rows set aside takes no cell of them for a formula; numbers stay numbers."""
    odd_rows = [
        deal(f"D{number}", f"{sign}cmd|'/C calc'!A0", amount="-12.5") for number, sign in enumerate("=+-@", start=1)
    ]
    source = write_export(tmp_path / "export", opportunities=[deal("D9", "U1"), *odd_rows])
    map_, dest = write_map(tmp_path / "map.toml"), tmp_path / "book"
    assert salesops(capsys, "import", "--map", map_, "--set-aside", source, dest)[0] == 0
    with (dest / "rejected" / "opportunities.csv").open(encoding="utf-8", newline="") as file:
        rejected = list(csv.DictReader(file))
    assert [row["owner_id"] for row in rejected] == [f"'{sign}cmd|'/C calc'!A0" for sign in "=+-@"]
    assert {row["amount"] for row in rejected} == {"-12.5"}
    assert not any(cell.startswith(("=", "+", "@")) for row in rejected for cell in row.values())


def test_file_names_are_plain(odd: Path) -> None:
    """A name reaches a file name as plain letters only, cut short; no two reports share one."""
    given = {"book": str(odd / "book"), "period": "2026-Q1"}
    wanted = asked_for(["rep_accountability"], given, "rep", ROOT).wanted
    reports = prepare(wanted, ROOT / "notebooks")
    assert {report.person for report in reports} == set(NAMES.values())
    assert all(re.fullmatch(r"[a-z0-9-]{1,120}", report.id) for report in reports)
    assert len({report.id for report in reports}) == len(NAMES)


class Page(html.parser.HTMLParser):
    """What a browser makes of a page: its elements, their attributes, and its text outside of style and script."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._hidden = False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.elements.append((tag, dict(attrs)))
        self._hidden = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        """Leave an element."""
        self._hidden = False

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.text += "" if self._hidden else data


@pytest.fixture(scope="module")
def site(odd: Path) -> Path:
    """The pages of the team and of one rep."""
    rep = {"notebook": "rep_accountability", "rep": "U5"}
    folder, said = run_pages(odd, {"notebook": "team_accountability"}, rep)
    assert "failed" not in said
    return folder


def page_of(site: Path, rep: str) -> tuple[dict[str, Any], Page]:
    (entry,) = (entry for entry in entries(site) if entry["parameters"].get("rep", "") == rep)
    return entry, Page(site / entry["path"])


@pytest.mark.long
def test_the_team_page_shows_each_name_exactly(site: Path) -> None:
    """In the table, the cards and the charts; the numbers are those of the good names."""
    entry, page = page_of(site, "")
    assert {row["user_id"]: row["user_name"] for row in entry["results"]["rows"]} == NAMES
    assert {row["user_id"]: row["booked"] for row in entry["results"]["rows"]} == BOOKED
    for name in NAMES.values():
        assert name in page.text
    assert "<u>Acme</u> & =Co" in page.text
    assert "<script>alert(1)</script> wins less" in page.text
    assert "=1+1" in page.text


def test_the_rep_page_and_the_index_show_names_exactly(site: Path) -> None:
    """The rep's own name of markup and 500 characters, the manager's, and the deal's."""
    entry, page = page_of(site, "U5")
    assert entry["person"] == NAMES["U5"]
    for name in (NAMES["U5"], "<u>Boss</u>", "<img src=x>U5"):
        assert name in page.text
    assert NAMES["U5"] in Page(site / "index.html").text


def test_no_page_holds_an_element_that_a_name_made(site: Path) -> None:
    """No name becomes a script, an image, a link or a handler, in the reports and in the index."""
    pages = {path.name: Page(path) for path in site.glob("*.html")}
    assert len(pages) == 3
    for name, page in pages.items():
        tags = [tag for tag, _ in page.elements]
        assert tags.count("script") == (1 if name == "index.html" else 0)
        assert not {"img", "iframe", "u", "i"} & set(tags)
        assert not [attrs for _, attrs in page.elements if any(key.startswith("on") for key in attrs)]
        links = [attrs["href"] or "" for tag, attrs in page.elements if tag == "a" and "href" in attrs]  # else a name
        assert [link for link in links if not link.startswith("#") and link not in pages] == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("encoding", "delimiter", "decimal", "detected"),
    [
        ("utf-8-sig", ",", ".", "Read as UTF-8, separated by commas, decimal point"),
        ("utf-16", "\t", ".", "Read as UTF-16, separated by tabs, decimal point"),
        ("utf-16-le", ";", ",", "Read as UTF-16-LE, separated by semicolons, decimal comma"),
        ("cp1252", ";", ",", "Read as cp1252, separated by semicolons, decimal comma"),
    ],
)
def test_a_book_may_be_written_as_spreadsheets_write_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], encoding: str, delimiter: str, decimal: str, detected: str
) -> None:
    """A CSV of any usual kind is a book as it lies: check says how it was read, and the numbers are the same."""
    deals = [deal("D1", "U1", amount=f"1234{decimal}56"), deal("D2", "U2", amount=f"99{decimal}5", probability="")]
    tables = {
        "users": csv_text([USERS[0], user("U1", "José"), *USERS[2:]], delimiter).encode(encoding),
        "opportunities": csv_text(deals, delimiter).replace("Won", "Gewönne").encode(encoding),
    }
    folder = write_export(tmp_path / "book", **tables)
    code, out, _ = salesops(capsys, "check", folder)
    assert code == 0
    assert f"  opportunities  {detected}" in out
    book = open_book(folder)
    lines = attainment(book, parse_period("2026-Q1"), parse_date("2026-03-31")).to_pyarrow().to_pylist()
    assert {row["user_name"]: row["booked"] for row in lines} == {"José": 1234.56, "Ben Ode": 99.5}
