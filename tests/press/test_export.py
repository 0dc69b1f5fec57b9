"""The page of a run notebook."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import altair as alt
import nbformat.v4 as v4
import pandas as pd
import pytest
from hostile_markup import HOST, HOSTILE
from nbformat import NotebookNode

from salesops.errors import PressError
from salesops.press.export import LIMIT, TEMPLATE, export_page
from salesops.press.markup import cleaned

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def shows(data: dict[str, Any], *, source: str = "show()", tags: tuple[str, ...] = ()) -> NotebookNode:
    """A code cell with one displayed output."""
    return code(v4.new_output("display_data", data=data), source=source, tags=tags)


def code(*outputs: NotebookNode, source: str = "show()", tags: tuple[str, ...] = ()) -> NotebookNode:
    return v4.new_code_cell(source, outputs=list(outputs), execution_count=3, metadata={"tags": list(tags)})


def prose(text: str, *tags: str) -> NotebookNode:
    return v4.new_markdown_cell(text, metadata={"tags": list(tags)})


def page(*cells: NotebookNode, title: str = "Title", status: str = "ok") -> str:
    return export_page(v4.new_notebook(cells=list(cells)), title=title, status=status)


def body(*cells: NotebookNode, status: str = "ok") -> str:
    return page(*cells, status=status).partition("<body>")[2]


def chart(**more: Any) -> dict[str, Any]:
    made = (
        alt.Chart(pd.DataFrame({"x": [1, 2], "y": [3, 4]}))
        .mark_line(color="#123456", clip=True)
        .encode(x="x:Q", y="y:Q")
    )
    return {"application/vnd.vegalite.v5+json": made.properties(**more).to_dict(), "text/plain": "<chart>"}


def test_a_page_has_what_browsers_and_screen_readers_need() -> None:
    """Language, title, viewport, colour scheme, one main landmark and a way to skip to it; the title is escaped."""
    html = page(prose("Words"), title="A & B <x>")
    for part in ('<html lang="en">', "<title>A &amp; B &lt;x&gt;</title>", 'name="viewport"', 'content="light dark"',
                 '<a class="skip" href="#report">', '<main id="report"'):  # fmt: skip  # a list
        assert html.count(part) == 1


def test_a_page_shows_prose_and_outputs_without_code() -> None:
    """Markdown and outputs come in their order; the source of a cell that ran well is never shown."""
    html = body(prose("## One"), shows({"text/html": "<p>two</p>"}, source="secret_call()"), prose("*three*"))
    assert re.search(r"<h2>One</h2>.*<p>two</p>.*<em>three</em>", html, re.DOTALL)
    assert "secret_call" not in html


@pytest.mark.parametrize("tag", ["parameters", "injected-parameters", "results", "setup", "remove"])
def test_cells_for_machines_show_nothing(tag: str) -> None:
    """Parameters, results and preparation are not for the reader."""
    assert "hidden" not in body(shows({"text/plain": "hidden"}, tags=(tag,)), prose("hidden", tag))


def test_about_goes_to_the_foot() -> None:
    """What a report is about comes after what it says."""
    html = body(prose("# Why\n\nreason", "about"), shows({"text/html": "<h1>Made it</h1>"}), prose("## Last"))
    assert html.index("Made it") < html.index("Last") < html.index("reason")


@pytest.mark.parametrize(
    ("cells", "headings"),
    [
        ([prose("# Question"), shows({"text/html": "<h1>Made it</h1>"})], ["<h2>Question</h2>", "<h1>Made it</h1>"]),
        ([prose("# Question")], ["<h1>Question</h1>"]),
        ([prose("Words")], ["<h1>Title</h1>"]),
    ],
)
def test_a_page_has_one_main_heading(cells: list[NotebookNode], headings: list[str]) -> None:
    """The headline is the <h1>; without one the notebook's title is; without both the page's title is."""
    assert re.findall(r"<h[12]>.*?</h[12]>", body(*cells)) == headings


def test_a_chart_becomes_a_figure() -> None:
    """A chart is drawn into the page: title as caption, description for screen readers, the page's colours."""
    data = chart(
        title=["Two", "lines <b>"], description='Says "more"', usermeta={"page_colors": {"#123456": "var(--accent)"}}
    )
    html = body(shows(data))
    assert "<figcaption>Two lines &lt;b&gt;</figcaption>" in html
    assert '<svg class="chart" role="img" aria-label="Says &quot;more&quot;"' in html
    assert 'stroke="var(--accent)"' in html
    assert "#123456" not in html
    assert 'fill="white"' not in html


def test_two_charts_do_not_share_names() -> None:
    """Ids inside the drawings differ, or the second chart would be cut by the first one's clip path."""
    ids = re.findall(r'\bid="([^"]+)"', body(shows(chart()), shows(chart())))
    assert any(name.startswith("f2-") for name in ids)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    "data",
    [
        {"application/vnd.plotly.v1+json": {}, "text/plain": "Figure"},
        {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "IntSlider()"},
        {"application/vnd.bokehjs_exec.v0+json": "", "text/html": "<div></div><SCRIPT>x</SCRIPT>"},
        {"text/html": "<iframe srcdoc=x></iframe>", "text/plain": "<Figure>"},
        {"application/javascript": "alert(1)"},
    ],
    ids=["plotly", "widget", "bokeh", "iframe", "script"],
)
def test_what_has_no_static_form_is_an_error(data: dict[str, Any]) -> None:
    """Nothing vanishes silently: the error names the cell. In a failed report a line stands in its place."""
    with pytest.raises(
        PressError, match=r"Cell 1, In \[3\] \(fig\.show\(\)\): An output has no form that a page can show"
    ):
        page(shows(data, source="fig.show()\nmore"))
    assert "has no form that a page can show" in body(shows(data), status="failed")


def test_a_live_output_with_a_picture_shows_the_picture() -> None:
    """An output that brings a static form beside its live one is shown by it."""
    data = {"application/vnd.plotly.v1+json": {}, "text/html": "<script></script>", "image/png": PIXEL}
    assert f'src="data:image/png;base64,{PIXEL}"' in body(shows(data))


def test_a_chart_that_cannot_be_drawn_is_an_error() -> None:
    """A broken specification names its cell."""
    with pytest.raises(PressError, match=r"Cell 1, In \[3\] .*The chart cannot be drawn"):
        page(shows({"application/vnd.vegalite.v5+json": {"mark": 7}}))


WRITERS: dict[str, Callable[[str], NotebookNode]] = {
    "prose": prose,
    "HTML": lambda markup: shows({"text/html": markup}),
    "SVG": lambda markup: shows({"image/svg+xml": f"<svg>{markup}</svg>"}),
    "markdown": lambda markup: shows({"text/markdown": f"![x]({HOST}/a.png) {markup}"}),
}


@pytest.mark.parametrize("kind", ["event", "script in SVG", "address", "picture", "style, escaped", "refresh", "frame"])
@pytest.mark.parametrize("written", WRITERS)
def test_markup_that_does_harm_is_refused_by_the_number_of_its_cell(kind: str, written: str) -> None:
    """A page holds everything itself and runs nothing; which of all the notebook's cells breaks that, is told."""
    cells = [prose("# Words"), shows({"text/plain": "hidden"}, tags=("setup",)), WRITERS[written](HOSTILE[kind])]
    with pytest.raises(PressError, match=r"^Cell 3[ ,].*: (A page .*, and runs nothing\.|An output has no form)"):
        page(*cells)


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("written", WRITERS)
def test_markup_that_does_harm_is_taken_out_of_a_failed_page(kind: str, written: str) -> None:
    """The page of a failure shows the rest, and says what is not there."""
    html = body(prose("Before"), WRITERS[written](HOSTILE[kind]), failing(), status="failed")
    assert "Before" in html
    assert cleaned(html)[1] == []


def test_what_is_taken_out_of_a_failed_page_is_said() -> None:
    """A hole in the page of a failure is named in its place, as words."""
    html = body(shows({"text/html": "<p onclick='x'>a</p><form>b</form>"}), failing(), status="failed")
    assert '<p>a</p>b<p class="meta">Taken out here: onclick, &lt;form&gt;</p>' in html


@pytest.mark.parametrize("data", ['"><script>ran()</script>', 'AAAA" onerror="ran()', "<svg onload=ran()>"])
def test_a_picture_is_letters_of_base64(data: str) -> None:
    """What calls itself a picture and holds anything else is refused, and named on the page of a failure."""
    for form in ("image/png", "image/jpeg"):
        with pytest.raises(
            PressError, match=f"Cell 1, .*An output of the form {form} is none: it holds what is not base64"
        ):
            page(shows({form: data}))
        assert "holds what is not base64" in body(shows({form: data}), status="failed")


def test_a_chart_leads_nowhere_by_itself() -> None:
    """An address that data brings into a chart is judged like any other."""
    rows = pd.DataFrame({"x": [1], "u": ["javascript:ran()"]})
    made = alt.Chart(rows).mark_point().encode(x="x:Q", href="u:N").to_dict()
    html = body(shows({"application/vnd.vegalite.v5+json": made}), status="failed")
    assert "javascript" not in html.replace("href=javascript:ran()</p>", "")


def test_an_attachment_is_a_picture() -> None:
    """A picture beside a cell brings no markup with it."""
    cell = prose("![x](attachment:x.png)")
    cell.attachments = {"x.png": {"text/html": "PHNjcmlwdD4=", 'image/png"><script>ran()</script>': "AAAA"}}
    with pytest.raises(PressError, match=r"Cell 1 .*runs nothing"):
        page(cell)


def test_words_that_look_like_addresses_are_no_request() -> None:
    """A name like src=http://x is data; a link is only followed when the reader asks."""
    html = body(
        shows({"text/html": "<p title='src=http://x'>src=\"http://x\"</p><a href='https://example.org'>more</a>"})
    )
    assert "example.org" in html


def test_the_browser_is_told_to_load_nothing() -> None:
    """The content security policy forbids every request and every script, should one slip through."""
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page(prose("Words"))
    assert not re.search(r"url\(|@import|@font-face", (TEMPLATE / "page.css").read_text(encoding="utf-8"))


def test_a_page_too_large_for_a_phone_is_refused() -> None:
    """300 kB is the limit; the message names the size."""
    with pytest.raises(PressError, match=r"may have 300 kB. This one has 3\d\d kB"):
        page(shows({"text/html": "x" * LIMIT}))


def test_prints_are_shown_and_warnings_are_not() -> None:
    """What a notebook prints is for the reader, as text; stderr is for whoever repairs a failed run."""
    streams = [v4.new_output("stream", name=name, text=f"\x1b[31m<{name}>\x1b[0m") for name in ("stdout", "stderr")]
    assert '<pre class="output" tabindex="0">&lt;stdout&gt;</pre>' in body(code(*streams))
    assert "stderr" not in body(code(*streams))
    assert '<pre class="output" tabindex="0">&lt;stderr&gt;</pre>' in body(code(*streams), status="failed")


def test_markup_in_a_markdown_output_is_shown_not_obeyed() -> None:
    """Data may reach a markdown output; only markdown cells, which the author wrote, may hold markup."""
    html = body(shows({"text/markdown": "**bold** <b>x</b>"}), prose("<b>own</b>"))
    assert "<strong>bold</strong> &lt;b&gt;x&lt;/b&gt;" in html
    assert "<b>own</b>" in html


def failing() -> NotebookNode:
    trace = ["\x1b[31mTraceback\x1b[0m", "KeyError: '<rep>'"]
    error = v4.new_output("error", ename="KeyError", evalue="'<rep>'", traceback=trace)
    return code(error, source="open_book(rep)['<x>']")


def test_a_failed_report_starts_with_what_failed() -> None:
    """The page of a failed run shows the failing cell, the message and the traceback, then what there was."""
    html = body(prose("# Question"), shows({"text/html": "<p>before</p>"}), failing(), status="failed")
    for part in (
        "stopped with an error",
        "KeyError: &#39;&lt;rep&gt;&#39;",
        "open_book(rep)[&#39;&lt;x&gt;&#39;]",
        "Cell 3, In [3]",
    ):
        assert part in html
    assert "\x1b" not in html
    assert html.index("Traceback") < html.index("before")


def test_a_report_that_took_too_long_says_so() -> None:
    """A stopped run has no traceback; the page says why it is not complete."""
    html = body(prose("Words"), status="timeout")
    assert "took too long" in html
    assert "not complete" in html


def test_export_leaves_the_notebook_alone() -> None:
    """The same notebook gives the same page again, and is not changed by it."""
    notebook = v4.new_notebook(cells=[prose("# About", "about"), shows(chart()), prose("Words")])
    before = copy.deepcopy(notebook)
    assert export_page(notebook, title="T") == export_page(notebook, title="T")
    assert notebook == before


def test_all_text_colours_can_be_read() -> None:
    """Ink, soft, accent and alert reach 4.5 to 1 (WCAG AA) on paper and on the wash of cards, light and dark."""
    css = (TEMPLATE / "page.css").read_text(encoding="utf-8")
    blocks = [dict(re.findall(r"--(\w+): (#\w+)", block)) for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL)]
    assert len(blocks) == 2
    for tokens in blocks:
        for ground in ("paper", "wash"):
            ratios = {name: contrast(tokens[name], tokens[ground]) for name in ("ink", "soft", "accent", "alert")}
            assert min(ratios.values()) >= 4.5, ratios


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_picture_that_stands_beside_its_cell_is_shown() -> None:
    """JupyterLab keeps a pasted picture as an attachment of the cell: the page holds it like any other."""
    cell = prose("![Our team](attachment:team.png)")
    cell.attachments = {"team.png": {"image/png": PIXEL}}
    assert f'<img src="data:image/png;base64,{PIXEL}" alt="Our team" />' in body(cell)
    assert cell.source == "![Our team](attachment:team.png)"


def test_colours_and_clips_of_the_page_itself_load_nothing() -> None:
    """An address within the page, and a picture as data, are no request."""
    fine = f"<p style=\"background: url('data:image/png;base64,{PIXEL}')\">x</p><svg><g clip-path='url(#c)'/></svg>"
    assert "clip-path" in body(shows({"text/html": fine}))
