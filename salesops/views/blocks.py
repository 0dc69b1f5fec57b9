"""The parts of a page that are neither table nor chart: headline, key figures, cards, notes.

Every text is data and is escaped. Without the page's style sheet (in JupyterLab) the blocks read as plain HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from salesops import words


@dataclass(frozen=True, repr=False)
class Block:
    """Something to see: `html` (safe markup) in notebooks and pages, `text` anywhere else."""

    html: Markup
    text: str

    def _repr_html_(self) -> str:
        return str(self.html)

    def __repr__(self) -> str:
        return self.text


def nothing() -> Block:
    """Show nothing, where a page has nothing to say."""
    return Block(Markup(""), "")


def headline(sentence: str, *, eyebrow: str = "", meta: str = "") -> Block:
    """Show the sentence that says it all, as the page's only <h1>.

    `eyebrow` stands above it (report, company, period), `meta` below it (as-of date, units, freshness).
    """
    html = Markup('<header class="headline">{}<h1>{}</h1>{}</header>').format(
        _line("eyebrow", eyebrow), sentence, _line("meta", meta)
    )
    return Block(html, _lines(eyebrow, sentence, meta))


def kpis(figures: Iterable[tuple[str, str, str]]) -> Block:
    """Show key figures side by side, each (label, value, note); an empty note is left out, and nothing without any."""
    rows = list(figures)
    if not rows:
        return nothing()
    items = Markup("").join(
        Markup("<div><dt>{}</dt><dd>{} {}</dd></div>").format(label, value, _small(note)) for label, value, note in rows
    )
    text = "\n".join(f"{label}: {value}" + (f" ({note})" if note else "") for label, value, note in rows)
    return Block(Markup('<dl class="kpis">{}</dl>').format(items), text)


def cards(items: Iterable[tuple[str, str, str]], *, leads: Sequence[str] = ()) -> Block:
    """Show exceptions as cards, each (title, what is the matter, what comes next).

    `leads` says of each title to which report it leads, as for `lead`.
    """
    rows = list(items)
    html = Markup("").join(
        Markup('<li class="card"><h3>{}</h3><p>{}</p>{}</li>').format(lead(title, to), what, _line("meta", next_step))
        for (title, what, next_step), to in zip(rows, leads or [""] * len(rows), strict=True)
    )
    text = "\n\n".join(_lines(title, what, next_step) for title, what, next_step in rows)
    return Block(Markup('<ul class="cards">{}</ul>').format(html), text)


def sentence(text: str) -> Block:
    """Show one rendered sentence or paragraph. Data reaches prose only through here, never through markdown."""
    return Block(Markup("<p>{}</p>").format(text), text)


def note(*sentences: str) -> Block:
    """Show data warnings and limits apart from the findings; several become a list."""
    if len(sentences) == 1:
        return Block(Markup('<p class="note">{}</p>').format(sentences[0]), sentences[0])
    items = Markup("").join(Markup("<li>{}</li>").format(text) for text in sentences)
    return Block(Markup('<ul class="note">{}</ul>').format(items), "\n".join(f"- {text}" for text in sentences))


def absent(reason: str) -> Block:
    """Say why there is nothing to show, for want of data; a page leaves out a section in which this is all."""
    return Block(Markup('<p class="note absent">{}</p>').format(reason), reason)


def definitions(terms: Iterable[tuple[str, str]], *, summary: str = "How these numbers are defined") -> Block:
    """Show (term, meaning) pairs, folded away until the reader asks."""
    rows = list(terms)
    items = Markup("").join(Markup("<dt>{}</dt><dd>{}</dd>").format(term, meaning) for term, meaning in rows)
    html = Markup("<details><summary>{}</summary><dl>{}</dl></details>").format(summary, items)
    return Block(html, "\n".join([summary, *(f"- {term}: {meaning}" for term, meaning in rows)]))


def fold(summary: str, inside: Block) -> Block:
    """Show a block folded away under a line; on paper it is open."""
    html = Markup('<details class="fold"><summary><bdi>{}</bdi></summary>{}</details>').format(summary, inside.html)
    return Block(html, f"{summary}\n{inside.text}")


def names_note(sentence: str, names: Sequence[tuple[str, str]], *, more: int = 0) -> Block:
    """Show a sentence with names after it, each (name, the report to which it leads), and how many more there are."""
    rest = [f"{more:,} more"] if more else []
    shown: list[str] = [*(lead(name, to) for name, to in names), *rest]
    plain = [*(name for name, _ in names), *rest]
    if not plain:
        return note(sentence)
    html = Markup('<p class="note">{}: {}.</p>').format(sentence, Markup(", ").join(shown))
    return Block(html, f"{sentence}: {', '.join(plain)}.")


def report_of(kind: str, ids: Iterable[object]) -> list[Any]:
    """Return to which report of a "rep", "account" or "manager" each id leads, as for `lead`; None for no id."""
    return [None if words.is_missing(id_) or id_ == "" else f"{kind}:{quote(str(id_), safe='')}" for id_ in ids]


def lead(name: str, to: str | None = "") -> Markup:
    """Return a name as markup that leads to a report, such as "rep:U-7" or "account:A-1".

    Several, with spaces between, say where to lead if the first is missing. A press that has the report in its folder
    makes it a link; anywhere else it is a name.
    """
    shown = Markup("<bdi>{}</bdi>").format(name)
    return Markup('<a data-report="{}">{}</a>').format(to, shown) if to else shown


def back(*to: tuple[str, str]) -> Block:
    """Lead back to other reports, each (name, report) as for `lead`; a page shows those that are there."""
    links = Markup(" ").join(lead(name, report) for name, report in to)
    return Block(Markup('<nav class="leads" aria-label="Back">{}</nav>').format(links), "")


def together(*blocks: Block) -> Block:
    """Show several blocks as one."""
    return Block(Markup("").join(block.html for block in blocks), "\n\n".join(block.text for block in blocks))


def _line(kind: str, text: str) -> Markup:
    return Markup('<p class="{}">{}</p>').format(kind, text) if text else Markup("")


def _small(text: str) -> Markup:
    return Markup("<small>{}</small>").format(text) if text else Markup("")


def _lines(*parts: str) -> str:
    return "\n".join(part for part in parts if part)
