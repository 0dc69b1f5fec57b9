"""Sections of a page that have nothing to show."""

from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup
from nbformat import NotebookNode, v4

from salesops.press.export import export_page

REASON = '<p class="note absent">This book holds no &lt;b&gt;deals&lt;/b&gt;.</p>'


def page(*sections: tuple[str, list[str]]) -> BeautifulSoup:
    """A page with a headline, sections of a heading with prose and outputs, and a part about the notebook."""
    cells: list[NotebookNode] = [v4.new_markdown_cell("# Why?", metadata={"tags": ["about"]}), code("<h1>So</h1>")]
    for heading, outputs in sections:
        cells += [v4.new_markdown_cell(f"## {heading}\n\nProse of {heading}."), *map(code, outputs)]
    return BeautifulSoup(export_page(v4.new_notebook(cells=cells), title="t"), "html.parser")


def code(html: str) -> NotebookNode:
    output = v4.new_output("display_data", data={"text/html": html, "text/plain": "x"})
    return v4.new_code_cell(outputs=[output])


@pytest.mark.parametrize("outputs", [[REASON], ["", REASON], [REASON, REASON], [""], ["", ""]])
def test_a_section_without_content_is_not_there(outputs: list[str]) -> None:
    """Its heading and prose go with it; the reasons stand folded away before the words about the notebook."""
    found = page(("What slipped", outputs), ("What came", ["<p>12</p>"]))
    headings = [heading.text for heading in found.find_all("h2")]
    assert headings[0] == "What came"
    assert "Prose of What slipped" not in found.text
    told = [term.text for term in found.select("details dt")]
    assert told == (["What slipped"] if any(outputs) else [])
    if told:
        assert "This book holds no <b>deals</b>." in found.select_one("details dd").text
        assert re.search(r"12.*Not shown, for want of data.*Why\?", found.text, re.DOTALL)


@pytest.mark.parametrize("outputs", [[REASON, "<p>12</p>"], ['<p class="note">No gap.</p>'], []])
def test_a_section_with_content_stays_whole(outputs: list[str]) -> None:
    """Also one whose content is a sentence that matters, one in part absent, and one that is prose alone."""
    found = page(("What slipped", outputs))
    assert "What slipped" in [heading.text for heading in found.find_all("h2")]
    assert "Prose of What slipped" in found.text
    assert len(found.select(".absent")) == ("absent" in "".join(outputs))
    assert not found.find_all("details")
