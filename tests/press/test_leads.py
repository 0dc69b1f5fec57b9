"""Names in a page lead on to reports that are there, and to no others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from salesops.press.entry import Entry
from salesops.press.leads import lead_on, without_links, without_marks
from salesops.press.ledger import page_digest


def entry(id_: str, notebook: str, *, period: str = "2026-Q1", source: str = "book", **given: Any) -> Entry:
    parameters = {"as_of": "2026-03-31", "period": period, **given}
    return {"id": id_, "notebook": notebook, "period": period, "status": "ok", "path": f"{id_}.html",
            "parameters": parameters, "source": source}  # fmt: skip  # one entry


def mark(name: str) -> str:
    return f'<a data-report="{name}">Ann</a>'


def site(out: Path, entries: list[Entry], *names: str) -> str:
    """Write pages that hold marks, lead on, and return the first page."""
    for one in entries:
        (out / one["path"]).write_text("".join(mark(name) for name in names), encoding="utf-8")
    lead_on(out, entries)
    return (out / entries[0]["path"]).read_text(encoding="utf-8")


def test_a_name_is_a_link_where_its_page_is(tmp_path: Path) -> None:
    """A rep with a page is a link to it, relative; one without stays a name."""
    page = site(tmp_path, [entry("team", "team"), entry("ann", "rep", rep="U-1")], "rep:U-1", "rep:U-2")
    assert page == '<a data-report="rep:U-1" href="ann.html">Ann</a>' + mark("rep:U-2")


def test_a_page_made_alone_has_no_link(tmp_path: Path) -> None:
    """Neither to a person, nor to itself, nor to an index of one."""
    page = site(tmp_path, [entry("team", "team")], "rep:U-1", "team:", "index:", "before:")
    assert "href" not in page


def test_a_link_goes_with_its_page(tmp_path: Path) -> None:
    """When the page is gone, the name is a name again; a page that fails has none to begin with."""
    both = [entry("team", "team"), entry("ann", "rep", rep="U-1")]
    assert "href" in site(tmp_path, both, "rep:U-1")
    lead_on(tmp_path, both[:1])
    assert (tmp_path / "team.html").read_text() == mark("rep:U-1")
    failed = {**both[1], "status": "failed", "path": "ann.failed.html"}
    assert "href" not in site(tmp_path, [both[0], failed], "rep:U-1")


def test_nobody_is_taken_for_another(tmp_path: Path) -> None:
    """The same id in another book, on another day or period, or under a pseudonym is not the same report."""
    others = [
        entry("a", "rep", rep="U-1", source="other"),
        entry("b", "rep", rep="U-1", as_of="2026-03-30"),
        entry("c", "rep", rep="U-1", period="2025-Q4"),
        entry("d", "rep", rep="U-1", redact=True),
        entry("e", "rep", rep="U-1 x"),
        entry("f", "rep", rep="U-1", source=""),
    ]
    assert "href" not in site(tmp_path, [entry("team", "team"), *others], "rep:U-1")


def test_a_page_leads_back(tmp_path: Path) -> None:
    """To the index, to the same report of the period before, and to its team or else the whole team."""
    entries = [
        entry("now", "rep", rep="U-1"),
        entry("then", "rep", rep="U-1", period="2025-Q4"),
        entry("older", "rep", rep="U-1", period="2025-Q3"),
        entry("team", "team"),
    ]
    page = site(tmp_path, entries, "index:", "before:", "manager:M team:")
    assert [part.partition('"')[0] for part in page.split('href="')[1:]] == ["index.html", "then.html", "team.html"]


def test_links_are_no_content(tmp_path: Path) -> None:
    """A page has the same digest with and without them, so that nobody is sent it again; a mail has none."""
    path, bare = tmp_path / "page.html", f"<p>{mark('rep:U-1')}</p>"
    path.write_text(bare, encoding="utf-8")
    before = page_digest(path)
    linked = bare.replace(">Ann", ' href="ann.html">Ann')
    path.write_text(linked, encoding="utf-8")
    assert page_digest(path) == before
    assert without_links(linked) == bare
    assert without_marks(linked) == "<p><a>Ann</a></p>"


def test_an_address_is_escaped(tmp_path: Path) -> None:
    """An id with letters that mean something in markup or addresses finds its page and breaks nothing."""
    both = [entry("team", "team"), {**entry("x", "rep", rep='U&"1 <'), "path": 'x "&.html'}]
    page = site(tmp_path, both, "rep:U%26%221%20%3C")
    assert page == '<a data-report="rep:U%26%221%20%3C" href="x%20%22%26.html">Ann</a>'
