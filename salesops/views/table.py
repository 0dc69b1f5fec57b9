"""Tables that read the same in a notebook, on a phone, on paper and through a screen reader.

table(reps, [text("user_name", "Rep"), amount("quota", "Goal", scale=scale), bullet("attainment", "Of goal")],
      caption="Largest gap first.", total={"user_name": "Team", "quota": 8_051_000, "attainment": 0.88})
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup, escape

from salesops import words
from salesops.views.blocks import Block, note

_LONG = 80  # letters of a name; the page cuts longer ones after four lines, and shows all on paper
_BAR = 160  # length of a full bar in pixels
_BAR_COLOR = "var(--accent,#2f74d0)"  # the page's accent; a notebook has none
_TOP = 1.4  # share of the goal at the bar's end; more is drawn as an arrow head
_SYMBOLS = {"made it": "✓", "kept": "✓", "missed": "✕", "moved": "→", "pending": "○", "declared": "✎", "withdrawn": "–"}
_TONES = {"made it": "ok", "kept": "ok", "missed": "alert"}


@dataclass(frozen=True)
class Column:
    """One column: where its values come from and how they look. Made by the functions of this module.

    `html` and `text` turn one value into a cell. `note` names a column whose words follow small and soft.
    `phone=False` leaves the column out on narrow screens. `leads` names a column that says to which report a value
    leads, as for `blocks.lead`.
    """

    name: str
    title: str
    html: Callable[[Any], Markup]
    text: Callable[[Any], str]
    kind: str = ""
    note: str = ""
    phone: bool = True
    leads: str = ""


def table(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    *,
    caption: str,
    total: Mapping[str, object] | None = None,
    empty: str = "Nothing to show.",
) -> Block:
    """Show the rows of `frame` in their order.

    Parameters
    ----------
    frame : DataFrame
        One row a line; holds the columns that `columns` name.
    columns : sequence of Column
        Left to right; the first heads its row.
    caption : str
        What the table shows and how to read it, with the unit of its amounts.
    total : mapping, optional
        Values by column name for a last row, shown like the others; what it leaves out stays empty.
    empty : str
        Sentence shown in place of the table if there are no rows: a caption that explains columns would explain none.
    """
    rows: list[Mapping[Any, Any]] = list(frame.to_dict("records"))
    if not rows and not total:
        return note(empty)
    head = Markup("").join(_head(column) for column in columns)
    body = Markup("").join(_row(row, columns) for row in rows)
    foot = Markup("<tfoot>{}</tfoot>").format(_row(total, columns)) if total else Markup("")
    html = Markup(
        '<div class="scroll" tabindex="0" role="region" aria-label="{}"><table><caption>{}</caption>'
        "<thead><tr>{}</tr></thead><tbody>{}</tbody>{}</table></div>"
    ).format(caption, caption, head, body, foot)
    return Block(html, _as_text(rows + ([total] if total else []), columns, caption))


def text(name: str, title: str, *, note: str = "", phone: bool = True, leads: str = "") -> Column:
    """Words, shown exactly; right-to-left names do not disturb their neighbours."""
    return Column(name, title, _name, _words, "l", note, phone, leads)


def number(name: str, title: str, *, decimals: int = 0, note: str = "", phone: bool = True) -> Column:
    """Plain numbers with the same decimals down the column."""
    return _figures(name, title, lambda value: words.number(value, decimals=decimals), note, phone)


def amount(name: str, title: str, *, scale: words.Scale, note: str = "", phone: bool = True) -> Column:
    """Money in one scale down the column; the caption says the unit."""
    return _figures(name, title, scale.show, note, phone)


def share(name: str, title: str, *, decimals: int = 0, note: str = "", phone: bool = True) -> Column:
    """Fractions as percent."""
    return _figures(name, title, lambda value: words.percent(value, decimals=decimals), note, phone)


def chance(name: str, title: str, *, note: str = "", phone: bool = True) -> Column:
    """Chances to make a goal, in steps of 5 points."""
    return _figures(name, title, words.chance, note, phone)


def day(name: str, title: str, *, note: str = "", phone: bool = True) -> Column:
    """Dates as "28 Sep 2013"."""
    return _figures(name, title, words.day, note, phone)


def gap(name: str, title: str, *, scale: words.Scale, note: str = "", phone: bool = True) -> Column:
    """Goal − actual: what is missing as a plain amount, what is above the goal with a plus."""

    def plain(value: Any) -> str:
        if words.is_missing(value) or value >= 0:
            return scale.show(value)
        return f"+{scale.show(-value)}"

    def html(value: Any) -> Markup:
        if words.is_missing(value) or value >= 0:
            return escape(plain(value))
        return Markup('<span class="ok">{}<span class="unseen"> above goal</span></span>').format(plain(value))

    return Column(name, title, html, plain, "", note, phone)


def bullet(name: str, title: str, *, note: str = "", phone: bool = True) -> Column:
    """Share of the goal as a bar with a line at the goal, and the percent beside it."""
    return Column(name, title, _bullet, words.percent, "of-goal", note, phone)


def tag(name: str, title: str, *, note: str = "", phone: bool = True) -> Column:
    """One word or a list of words: made it, kept, missed, moved, pending, declared and withdrawn get a symbol."""

    def plain(value: Any) -> str:
        return ", ".join(f"{_SYMBOLS[word]} {word}" if word in _SYMBOLS else word for word in _several(value))

    return Column(name, title, lambda value: Markup(" ").join(map(_tag, _several(value))), plain, "l", note, phone)


def _figures(name: str, title: str, form: Callable[[Any], str], note: str, phone: bool) -> Column:
    return Column(name, title, lambda value: escape(form(value)), form, "", note, phone)


def _name(value: object) -> Markup:
    shown = _words(value)
    if len(shown) > _LONG:
        return Markup('<bdi class="long" title="{0}">{0}</bdi>').format(shown)
    return Markup("<bdi>{}</bdi>").format(shown)


def _words(value: object) -> str:
    return words.MISSING if words.is_missing(value) else str(value)


def _several(value: object) -> list[str]:
    return [str(word) for word in value] if isinstance(value, list | tuple) else [_words(value)]


def _tag(word: str) -> Markup:
    if word not in _SYMBOLS:
        return Markup('<span class="none">{}</span>').format(word)
    return Markup('<span class="tag {}"><span aria-hidden="true">{}</span> {}</span>').format(
        _TONES.get(word, "plain"), _SYMBOLS[word], word
    )


def _bullet(value: Any) -> Markup:
    if words.is_missing(value):
        return Markup('<span class="none">{}</span>').format(words.MISSING)
    reached = round(_BAR * min(max(float(value), 0) / _TOP, 1), 1)
    goal = round(_BAR / _TOP, 1)
    bar = f"M0 4H{reached - 6}L{reached} 7L{reached - 6} 10H0Z" if value > _TOP else f"M0 4H{reached}V10H0Z"
    # the text beside it says the same, so a screen reader skips the picture
    return Markup(
        '<svg class="bullet" aria-hidden="true" width="{0}" height="14" viewBox="0 0 {0} 14" '
        'preserveAspectRatio="none">'
        '<path d="M0 4H{0}V10H0Z" fill="currentColor" fill-opacity=".13"/><path d="{1}" fill="{2}"/>'
        '<path d="M{3} 0V14" stroke="currentColor" stroke-width="2" vector-effect="non-scaling-stroke"/></svg> '
        "<b>{4}</b>"
    ).format(_BAR, bar, _BAR_COLOR, goal, words.percent(value))


def _head(column: Column) -> Markup:
    return Markup('<th scope="col"{}>{}</th>').format(_classes(column), column.title)


def _row(row: Mapping[Any, Any], columns: Sequence[Column]) -> Markup:
    cells = []
    for place, column in enumerate(columns):
        inside = column.html(row[column.name]) if column.name in row else Markup("")
        if column.leads and not words.is_missing(to := row.get(column.leads)):
            inside = Markup('<a data-report="{}">{}</a>').format(to, inside)
        remark = row.get(column.note) if column.note else None
        if not words.is_missing(remark) and remark != "":
            inside = Markup("{} <small>{}</small>").format(inside, remark)
        form = Markup("<td{}>{}</td>") if place else Markup('<th scope="row"{}>{}</th>')
        cells.append(form.format(_classes(column), inside))
    return Markup("<tr>{}</tr>").format(Markup("").join(cells))


def _classes(column: Column) -> Markup:
    names = " ".join(name for name in (column.kind, "" if column.phone else "wide") if name)
    return Markup(' class="{}"').format(names) if names else Markup("")


def _as_text(rows: Sequence[Mapping[Any, Any]], columns: Sequence[Column], caption: str) -> str:
    grid = [[column.title for column in columns]]
    grid += [[column.text(row[column.name]) if column.name in row else "" for column in columns] for row in rows]
    widths = [max(len(line[place]) for line in grid) for place in range(len(columns))]
    lines = ["  ".join(_pad(cell, widths[i], columns[i].kind) for i, cell in enumerate(line)).rstrip() for line in grid]
    return "\n".join([caption, *lines])


def _pad(cell: str, width: int, kind: str) -> str:
    return cell.ljust(width) if kind == "l" else cell.rjust(width)
