"""A run notebook into one HTML page for people: no code, no script, nothing loaded from anywhere.

Markdown and outputs are shown in their order; charts become SVG. What has no static form is an error,
because a page with a hole looks like a page without one.
"""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Sequence
from functools import cache
from html import escape, unescape
from pathlib import Path

import mistune
from nbconvert.exporters.templateexporter import TemplateExporter
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode
from traitlets.config import Config

from salesops.errors import PressError
from salesops.press.compare import News
from salesops.press.drawing import VEGA_LITE, figure
from salesops.press.markup import cleaned
from salesops.press.sections import with_content

TEMPLATE = Path(__file__).parent / "template"
UNSHOWN = frozenset({"parameters", "injected-parameters", "results", "setup", "remove", "papermill-error-cell-tag"})
LIMIT = 300_000  # bytes: what a phone loads at once
LIVE = re.compile(r"<(?:script|iframe|object|embed)\b", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
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

    Cells tagged as in UNSHOWN show nothing; markdown tagged `about` moves to the foot of the page. A section without
    content is left out (`salesops.press.sections`).

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
        If an output has no static form (a widget, a chart drawn by a script), if markup would run, load or open
        something, or if the page is larger than 300 kB.
    """
    strict = status == "ok"
    shown = copy.copy(notebook)
    cells = [(number, cell) for number, cell in enumerate(notebook.cells, start=1) if not UNSHOWN & _tags(cell)]
    cells.sort(key=lambda numbered: "about" in _tags(numbered[1]))
    cells = with_content(cells)
    top, parts = _top(cells), _Parts(drawing=drawing, strict=strict)
    shown.cells = [parts.cell(number, cell, top) for number, cell in cells]
    report = {
        "title": title,
        "status": status,
        "css": page_css(),
        "failure": _failure(notebook),
        "top": top,
        "news": news,
        "headline": _headline(cells),
    }
    page, _ = _exporter().from_notebook_node(shown, resources={"report": report})
    if strict:
        refuse_large(page)
    return str(page)


def refuse_large(page: str) -> None:
    """Raise PressError if a page is larger than 300 kB."""
    size = len(page.encode())
    if size > LIMIT:
        raise PressError(
            f"A page may have {LIMIT // 1000} kB. This one has {size // 1000:,} kB. "
            "Show fewer rows, or a chart with fewer points."
        )


def headline_of(page: str) -> str:
    """Return the title that a page shows, as text."""
    found = re.search(r"<h1\b.*?</h1>", page, re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", "", found[0])).split()) if found else ""


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
        filters={"plain": _without_colours},
    )


class _Parts:
    """Makes of each cell what the page shows: every output in one static form, and all markup judged."""

    def __init__(self, *, drawing: str, strict: bool) -> None:
        self._drawing, self._strict = drawing, strict
        self._figures = itertools.count(1)

    def cell(self, number: int, cell: NotebookNode, top: int) -> NotebookNode:
        """Return a cell of the notebook, the one of that number, as the page shows it."""
        shown, place = copy.copy(cell), _cell_name(cell, number)
        if cell.cell_type == "markdown":
            shown.source = self._judged(_prose(_with_attachments(cell), top), place)
        if cell.cell_type != "code":
            return shown
        wanted = [copy.copy(output) for output in cell.outputs if output.output_type != "error"]
        shown.outputs = [output for output in wanted if not (self._strict and output.get("name") == "stderr")]
        for output in shown.outputs:
            if "data" in output:
                output.data = self._static(output.data, place)
        return shown

    def _static(self, data: NotebookNode, place: str) -> dict[str, str]:
        """Return the one form of an output that a page can show."""
        try:
            form, content = self._form(data)
        except PressError as problem:
            if self._strict:
                raise PressError(f"{place}: {problem}") from None
            return {"text/plain": str(problem)}
        if form in ("text/html", "image/svg+xml"):
            content = self._judged(content, place)
        return {form: content}

    def _form(self, data: NotebookNode) -> tuple[str, str]:
        if VEGA_LITE in data:
            return "text/html", figure(data[VEGA_LITE], number=next(self._figures), drawing=self._drawing)
        forms = [form for form in _STATIC if form in data and not (form == "text/html" and LIVE.search(data[form]))]
        if not forms or (forms[0] == "text/plain" and len(data) > 1):
            live = ", ".join(form for form in data if form != "text/plain")
            raise PressError(
                f"An output has no form that a page can show: {live}. Show a table or an Altair chart there, "
                "or tag the cell 'remove'."
            )
        form, content = forms[0], data[forms[0]]
        if form in ("image/png", "image/jpeg") and not _BASE64.fullmatch(content):
            raise PressError(f"An output of the form {form} is none: it holds what is not base64. Show it anew.")
        return ("text/html", _escaped_markdown(content)) if form == "text/markdown" else (form, content)

    def _judged(self, markup: str, place: str) -> str:
        """Return markup without what runs, loads or opens something by itself, of which a good page has none."""
        safe, harm = cleaned(markup)
        if harm and self._strict:
            raise PressError(
                f"{place}: A page holds everything itself, and runs nothing. This one has {harm[0]}. "
                "Show a picture as the output of a cell, or remove it."
            )
        told = escape(", ".join(dict.fromkeys(harm)))
        return f'{safe}<p class="meta">Taken out here: {told}</p>' if harm else safe


def _with_attachments(cell: NotebookNode) -> str:
    """Return a cell's source with the pictures in it that JupyterLab keeps beside it."""
    source = str(cell.source)
    for name, forms in cell.get("attachments", {}).items():
        for form, content in forms.items():
            source = source.replace(f"attachment:{name}", f"data:{form};base64,{content}")
    return source


def _cell_name(cell: NotebookNode, number: int) -> str:
    first = cell.source.strip().partition("\n")[0][:60]
    count = cell.get("execution_count")
    return f"Cell {number}, In [{count}] ({first})" if count else f"Cell {number} ({first})"


def _failure(notebook: NotebookNode) -> dict[str, str]:
    """Return where the run stopped: place, source, message and traceback of the failing cell; {} if none did."""
    for number, cell in enumerate(notebook.cells, start=1):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                trace = _without_colours("\n".join(output.traceback))
                what = _without_colours(f"{output.ename}: {output.evalue}" if output.ename else output.evalue)
                return {"place": _cell_name(cell, number), "source": cell.source, "what": what, "traceback": trace}
    return {}


def _top(cells: Sequence[tuple[int, NotebookNode]]) -> int:
    """Return the level of the notebook's own title: 1, or 2 below a headline, or 0 where there is no title at all."""
    if any("<h1" in _html(cell) for _, cell in cells):
        return 2
    return 1 if any(_has_title(cell) for _, cell in cells) else 0


def _headline(cells: Sequence[tuple[int, NotebookNode]]) -> int:
    """Return the place of the cell that shows the page's title, or -1."""
    return next((at for at, (_, cell) in enumerate(cells) if "<h1" in _html(cell) or _has_title(cell)), -1)


def _html(cell: NotebookNode) -> str:
    return "".join(output.get("data", {}).get("text/html", "") for output in cell.get("outputs", []))


def _has_title(cell: NotebookNode) -> bool:
    return cell.cell_type == "markdown" and re.search(r"^# ", cell.source, re.MULTILINE) is not None


def _prose(source: str, top: int) -> str:
    """Return a markdown cell as HTML, markup and all: the notebook's author wrote it."""
    html = str(_markdown(escape=False)(source))
    return re.sub(r"(</?h)1\b", rf"\g<1>{top or 1}", html)


def _escaped_markdown(source: str) -> str:
    """Return a markdown output as HTML. Data may be in it, so its markup is shown and not obeyed."""
    return str(_markdown(escape=True)(source))


@cache
def _markdown(*, escape: bool) -> mistune.Markdown:
    return mistune.create_markdown(escape=escape, plugins=["table", "strikethrough"])


def _without_colours(text: str) -> str:
    return str(strip_ansi(text))  # type: ignore[no-untyped-call]  # nbconvert leaves its filters without types


def _tags(cell: NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))
