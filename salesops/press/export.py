"""A run notebook into one HTML page for people: no code, no script, nothing loaded from anywhere.

Markdown and outputs are shown in their order; charts become SVG. What has no static form is an error,
because a page with a hole looks like a page without one.
"""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import mistune
from markupsafe import Markup
from nbconvert.exporters.templateexporter import TemplateExporter
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode
from traitlets.config import Config

from salesops.errors import PressError
from salesops.press.compare import News
from salesops.press.figure import VEGA_LITE, figure
from salesops.press.whole import LIVE, refuse

TEMPLATE = Path(__file__).parent / "template"
UNSHOWN = frozenset({"parameters", "injected-parameters", "results", "setup", "remove", "papermill-error-cell-tag"})
_STATIC = ("text/html", "image/svg+xml", "image/png", "image/jpeg", "text/markdown", "text/plain")


def export_page(
    notebook: NotebookNode,
    *,
    title: str,
    status: str = "ok",
    drawing: str = "",
    news: News | None = None,
) -> str:
    """Return the page of a run notebook.

    Cells tagged as in UNSHOWN show nothing; markdown tagged `about` moves to the foot of the page.

    Parameters
    ----------
    notebook : NotebookNode
        Version 4, with its outputs; stays as it is.
    title : str
        For the browser's tab, and the heading where the notebook shows none.
    status : str
        "ok", or what went wrong ("failed", "timeout", "crashed"): then the failing cell and its traceback come
        first, and an output without static form is named in its place.
    drawing : str
        The address of the process that draws charts; "" draws them here.
    news : News or None
        What stands below the headline: alerts, and what changed since the last run.

    Raises
    ------
    PressError
        If an output has no static form (a widget, a chart drawn by a script), if the page would load
        something from outside, or if it is larger than 300 kB.
    """
    strict = status == "ok"
    shown = _prepare(notebook, drawing, strict=strict)
    report = {
        "title": title,
        "status": status,
        "css": page_css(),
        "failure": _failure(notebook),
        "top": _top(shown),
        "news": news,
        "headline": _headline(shown),
    }
    page, _ = _exporter().from_notebook_node(shown, resources={"report": report})
    if strict:
        refuse(page)
    return str(page)


@cache
def page_css() -> str:
    """Return the style sheet that all pages share."""
    return (TEMPLATE / "page.css").read_text(encoding="utf-8")


@cache
def _exporter() -> TemplateExporter:
    # one for the whole process: to build it takes longer than to write a page
    return TemplateExporter(  # type: ignore[no-untyped-call]  # nbconvert leaves its constructor without types
        config=Config({"NbConvertBase": {"display_data_priority": list(_STATIC)}}),
        template_name="report",
        optimistic_validation=True,  # once, not before and after each step
        template_file="page.html.j2",
        extra_template_basedirs=[str(TEMPLATE)],
        filters={"prose": _prose, "told": _told, "plain": _plain},
    )


def _prepare(notebook: NotebookNode, drawing: str, *, strict: bool) -> NotebookNode:
    """Return a copy with the cells that the page shows, in its order, every output in one static form."""
    shown = copy.copy(notebook)
    cells = [copy.copy(cell) for cell in notebook.cells if not UNSHOWN & _tags(cell)]
    shown.cells = sorted(cells, key=lambda cell: "about" in _tags(cell))
    figures = itertools.count(1)
    for cell in shown.cells:
        cell.source = _with_attachments(cell)
        if cell.cell_type == "code":
            wanted = [copy.copy(output) for output in cell.outputs if output.output_type != "error"]
            cell.outputs = [output for output in wanted if not (strict and output.get("name") == "stderr")]
            for output in cell.outputs:
                if "data" in output:
                    output.data = _static(output.data, cell, figures, drawing, strict=strict)
    return shown


def _with_attachments(cell: NotebookNode) -> str:
    """Return a cell's source with the pictures in it that JupyterLab keeps beside it."""
    source = str(cell.source)
    for name, forms in cell.get("attachments", {}).items():
        for form, content in forms.items():
            source = source.replace(f"attachment:{name}", f"data:{form};base64,{content}")
    return source


def _static(
    data: NotebookNode, cell: NotebookNode, figures: Iterator[int], drawing: str, *, strict: bool
) -> dict[str, str]:
    """Return the one form of an output that a page can show."""
    try:
        if VEGA_LITE in data:
            return {"text/html": figure(data[VEGA_LITE], number=next(figures), drawing=drawing)}
        forms = [form for form in _STATIC if form in data and not (form == "text/html" and LIVE.search(data[form]))]
        if forms and (forms[0] != "text/plain" or len(data) == 1):
            return {forms[0]: data[forms[0]]}
        live = ", ".join(form for form in data if form != "text/plain")
        raise PressError(
            f"An output has no form that a page can show: {live}. Show a table or an Altair chart there, "
            "or tag the cell 'remove'."
        )
    except PressError as problem:
        if strict:
            raise PressError(f"{_place(cell)}: {problem}") from None
        return {"text/plain": str(problem)}


def _place(cell: NotebookNode) -> str:
    first = cell.source.strip().partition("\n")[0]
    count = cell.get("execution_count")
    return f"Cell In [{count}] ({first[:60]})" if count else f"Cell ({first[:60]})"


def _failure(notebook: NotebookNode) -> dict[str, str]:
    """Return where the run stopped: place, source, message and traceback of the failing cell; {} if none did."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                trace = _plain("\n".join(output.traceback))
                what = _plain(f"{output.ename}: {output.evalue}" if output.ename else output.evalue)
                return {"place": _place(cell), "source": cell.source, "what": what, "traceback": trace}
    return {}


def _top(shown: NotebookNode) -> int:
    """Return the level of the notebook's own title: 1, or 2 below a headline, or 0 where there is no title at all."""
    html = (output.get("data", {}).get("text/html", "") for cell in shown.cells for output in cell.get("outputs", []))
    if any("<h1" in part for part in html):
        return 2
    titles = (re.search(r"^# ", cell.source, re.MULTILINE) for cell in shown.cells if cell.cell_type == "markdown")
    return 1 if any(titles) else 0


def _headline(shown: NotebookNode) -> int:
    """Return the place of the cell that shows the page's title, or -1."""
    for place, cell in enumerate(shown.cells):
        html = "".join(output.get("data", {}).get("text/html", "") for output in cell.get("outputs", []))
        if "<h1" in html or (cell.cell_type == "markdown" and re.search(r"^# ", cell.source, re.MULTILINE)):
            return place
    return -1


def _prose(source: str, top: int) -> Markup:
    """Return a markdown cell as HTML, markup and all: the notebook's author wrote it."""
    html = str(_markdown(escape=False)(source))
    return Markup(re.sub(r"(</?h)1\b", rf"\g<1>{top or 1}", html))


def _told(source: str) -> Markup:
    """Return a markdown output as HTML. Data may be in it, so its markup is shown and not obeyed."""
    return Markup(_markdown(escape=True)(source))


@cache
def _markdown(*, escape: bool) -> mistune.Markdown:
    return mistune.create_markdown(escape=escape, plugins=["table", "strikethrough"])


def _plain(text: str) -> str:
    return str(strip_ansi(text))  # type: ignore[no-untyped-call]  # nbconvert leaves its filters without types


def _tags(cell: NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))
