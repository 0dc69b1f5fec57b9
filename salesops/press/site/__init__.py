"""The index of a folder of reports: index.json for programs, index.html for people."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from salesops import words
from salesops.errors import PressError
from salesops.files import write_whole
from salesops.press.entry import BROKEN_OFF, GOOD, UNDER_WAY, Entry
from salesops.press.ledger import period_start
from salesops.press.plan import LETTERS

VERSION = 1

_TEMPLATE = Path(__file__).parent / "index.html.j2"
_STYLE = Path(__file__).parents[1] / "template" / "page.css"
_UNDELIVERED = {
    "refused": "A reader’s address is refused",
    "aside": "Not sent to a reader yet",
    "undeliverable": "Undeliverable to a reader",
}
_LONG = 10_000  # numbers from here on are shown short
_PLACED = ("period", "as_of", "book", "rep", "account")  # parameters that the page shows in a place of their own


def refuse_foreign(out: Path) -> None:
    """Raise PressError if the folder holds an index.json that the press did not write."""
    path = out / "index.json"
    if not path.exists():
        return
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        known = content["version"] == VERSION and all(isinstance(entry["id"], str) for entry in content["reports"])
    except (ValueError, KeyError, TypeError):
        known = False
    if not known:
        raise PressError(f"'{path}' is not an index of reports. Move it away, or choose another folder with --out.")


def write_index(out: Path, entries: Sequence[Entry], unplanned: Sequence[str] = ()) -> Path:
    """Write index.json and index.html, both whole, and return the path of the page.

    `entries` are what `Ledger.entries` gives, one for each report; `unplanned` is what the last run could not
    even try. Raises OSError if `out` cannot be written.
    """
    ordered = sorted(entries, key=lambda entry: str(entry["parameters"].get("as_of", "")), reverse=True)
    ordered.sort(key=_order_key)
    ordered.sort(key=lambda entry: period_start(entry["period"]), reverse=True)
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False, allow_nan=False) for entry in ordered)
    top = f'{{"version": {VERSION}, "unplanned": {json.dumps(list(unplanned), ensure_ascii=False)}, "reports": ['
    write_whole(out / "index.json", f"{top}\n{lines}\n]}}\n")
    write_whole(out / "index.html", index_page(ordered, unplanned))
    return out / "index.html"


def index_page(entries: Sequence[Entry], unplanned: Sequence[str] = ()) -> str:
    """Return the page that lists entries, by period in their order; it needs no server and loads nothing."""
    made = [entry for entry in entries if entry["status"] != UNDER_WAY]
    return _template()(
        periods=list(_periods(entries)),
        count=len(entries),
        failed=sum(entry["status"] not in GOOD for entry in made),
        under_way=len(entries) - len(made),
        undelivered=sum("undelivered" in entry for entry in entries),
        alerted=sum(bool(entry["alerts"]) for entry in entries),
        unplanned=unplanned,
        letters=LETTERS,
        latest=max((_minute(entry["started"]) for entry in made), default=""),
        choices={
            "period": list(dict.fromkeys(entry["period"] for entry in entries if entry["period"])),
            "notebook": sorted({entry["title"] for entry in entries}),
            "person": sorted({entry["person"] for entry in entries if entry["person"]}, key=str.casefold),
            "status": sorted({_status(entry) for entry in entries}),
        },
        style=_STYLE.read_text(encoding="utf-8"),
    )


@cache
def _template() -> Callable[..., str]:
    from jinja2 import Environment, StrictUndefined  # heavy, and only this function needs it

    jinja = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return jinja.from_string(_TEMPLATE.read_text(encoding="utf-8")).render


def _order_key(entry: Entry) -> tuple[bool, str, str, str]:
    """Reports about everyone stand before those about one person."""
    person = entry["person"]
    return bool(person), entry["title"], entry["notebook"], person.casefold()


def _groups(reports: Sequence[Entry], *, with_book: bool) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the title and the rows of each notebook; the report of a rep stands below that of the manager."""
    tops, below = _tops(reports), _below(reports)
    found = []
    for key, group in groupby([one for one in reports if one["id"] not in below], key=lambda one: _order_key(one)[:3]):
        rows = []
        for report in group:
            rows.append(_row(report, tops, with_book=with_book))
            own = (one for one in reports if below.get(one["id"]) == report["id"])
            rows += [{**_row(one, tops, with_book=with_book), "below": True} for one in own]
        found.append((key[1], rows))
    return found


def _below(reports: Sequence[Entry]) -> dict[str, str]:
    """Return below which manager's report each rep's report stands, by their ids."""

    def place(entry: Entry, manager: object) -> tuple[str, str, str]:
        return entry.get("source", ""), str(entry["parameters"].get("redact")), str(manager)

    heads: dict[tuple[str, str, str], str] = {}
    for one in reports:
        if one["parameters"].get("manager") and not one["parameters"].get("rep"):
            heads.setdefault(place(one, one["parameters"]["manager"]), one["id"])
    reps = [one for one in reports if one["parameters"].get("rep") and one["results"].get("manager_id")]
    places = {one["id"]: place(one, one["results"]["manager_id"]) for one in reps}
    return {id_: heads[at] for id_, at in places.items() if at in heads}


def _tops(reports: Sequence[Entry]) -> dict[tuple[str, str], float]:
    """Return the largest value of each figure of each notebook where there are several: the length of its bars."""
    values: dict[tuple[str, str], list[float]] = {}
    for one in reports:
        for figure in one.get("figures", ()):
            values.setdefault((one["notebook"], figure["name"]), []).append(abs(figure["value"]))
    return {key: max(each) for key, each in values.items() if len(each) > 1}


def _figure(notebook: str, figure: Mapping[str, Any], tops: Mapping[tuple[str, str], float]) -> dict[str, Any]:
    """Return a figure as text, and the length of its bar in percent: of the goal for a share, else of the largest."""
    name, value, share = figure["name"], figure["value"], figure["form"] == "percent"
    top = 1.0 if share else tops.get((notebook, name), 0.0)
    if share:
        text = words.percent(value)
    elif abs(value) >= _LONG:
        text = words.money(value)
    else:
        text = words.number(value, decimals=0 if value == int(value) or abs(value) > 100 else 1)
    return {"name": name, "text": text, "bar": round(100 * min(abs(value) / top, 1)) if top else 0}


def _periods(entries: Sequence[Entry]) -> Iterator[tuple[str, int, list[tuple[str, list[dict[str, Any]]]]]]:
    """Yield each period with its number of reports and, for each notebook, the title and the rows."""
    with_book = len({entry["parameters"].get("book", "") for entry in entries}) > 1
    for period, within in groupby(entries, key=lambda entry: str(entry["period"])):
        reports = list(within)
        yield period, len(reports), _groups(reports, with_book=with_book)


def _row(entry: Entry, tops: Mapping[tuple[str, str], float], *, with_book: bool) -> dict[str, Any]:
    given = entry["parameters"]
    placed = (*_PLACED, "manager") if entry["person"] and "rep" not in given else _PLACED  # the person is the manager
    more = [f"{name.replace('_', ' ')}: {_words(value)}" for name, value in given.items() if name not in placed]
    if with_book and given.get("book"):
        more.insert(0, str(given["book"]))
    return {
        "title": entry["title"],
        "person": entry["person"],
        "headline": entry.get("headline", ""),
        "figures": [_figure(entry["notebook"], figure, tops) for figure in entry.get("figures", ())],
        "below": False,
        "more": ", ".join(more),
        "as_of": str(given.get("as_of", "")),
        "status": _status(entry),
        "good": entry["status"] in (*GOOD, UNDER_WAY),
        "error": entry.get("error", ""),
        "failure": entry.get("failure", {}).get("path", ""),
        "alerts": entry["alerts"],
        "undelivered": [f"{_UNDELIVERED[mail['state']]}: {mail['why']}" for mail in entry.get("undelivered", ())],
        "changes": entry["changes"][:2],
        "made": _minute(entry["started"]) if entry["status"] not in (UNDER_WAY, BROKEN_OFF) else "",
        "checked": _minute(entry["checked"]) if "checked" in entry else "",
        "path": entry["path"],
        "pdf": entry.get("pdf", ""),
    }


def _status(entry: Entry) -> str:
    return "unchanged" if entry["status"] == "skipped" else str(entry["status"])


def _minute(instant: str) -> str:
    return datetime.fromisoformat(instant).strftime("%Y-%m-%d %H:%M")


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(str(part) for part in value) if isinstance(value, list) else str(value)
