"""Sections of a page: a heading with what stands below it. One that has nothing to show is not on the page.

A cell that can show nothing for want of data gives a paragraph of the class `absent` with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from markupsafe import Markup
from nbformat import NotebookNode, v4

Numbered = tuple[int, NotebookNode]

_HEADING = re.compile(r"##\s+(.+)")
_ABSENT = re.compile(r'\s*(?:<p class="[^"]*\babsent\b[^"]*">([^<]*)</p>\s*)*')


def with_content(cells: Sequence[Numbered]) -> list[Numbered]:
    """Return the cells of a page without the sections that show nothing; their reasons stand in one cell at the end.

    Parameters
    ----------
    cells : sequence of (int, NotebookNode)
        The cells that are shown, each with its number in the notebook; those about the notebook come last.
    """
    kept: list[Numbered] = []
    reasons: list[tuple[str, str]] = []
    for section in _sections(cells):
        outputs = [output for _, cell in section for output in cell.get("outputs", ())]
        heading = _HEADING.match(section[0][1].source)
        if heading and outputs and all(_is_absent(output) for output in outputs):
            said = " ".join(reason for output in outputs for reason in _reasons(output))
            reasons += [(heading[1], said)] if said else []
        else:
            kept += section
    if not reasons:
        return kept
    last = next((at for at, (_, cell) in enumerate(kept) if "about" in cell.metadata.get("tags", ())), len(kept))
    return [*kept[:last], (0, _cell_of_reasons(reasons)), *kept[last:]]


def _sections(cells: Sequence[Numbered]) -> Iterator[list[Numbered]]:
    section: list[Numbered] = []
    for number, cell in cells:
        if cell.cell_type == "markdown" and section:
            yield section
            section = []
        section.append((number, cell))
    if section:
        yield section


def _html(output: NotebookNode) -> str | None:
    html = output.get("data", {}).get("text/html")
    return html if html is None else str(html)


def _is_absent(output: NotebookNode) -> bool:
    html = _html(output)
    return html is not None and _ABSENT.fullmatch(html) is not None


def _reasons(output: NotebookNode) -> list[str]:
    return [reason for reason in re.findall(r">([^<]+)</p>", _html(output) or "") if reason.strip()]


def _cell_of_reasons(reasons: Sequence[tuple[str, str]]) -> NotebookNode:
    """Return a cell that names what is not shown, and why; the reasons are escaped markup."""
    rows = Markup("").join(Markup("<dt>{}</dt><dd>{}</dd>").format(name, Markup(why)) for name, why in reasons)
    html = Markup("<details><summary>Not shown, for want of data</summary><dl>{}</dl></details>").format(rows)
    output = v4.new_output("display_data", data={"text/html": str(html)})  # type: ignore[no-untyped-call]  # nbformat
    cell: NotebookNode = v4.new_code_cell(outputs=[output])  # type: ignore[no-untyped-call]  # nbformat has no types
    return cell
