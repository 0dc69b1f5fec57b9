"""The words and small tables around the scatter."""

from __future__ import annotations

import pandas as pd
from markupsafe import Markup

from salesops import words
from salesops.models.segments import Clusters, SegmentGrid, grid_rules
from salesops.models.segments.grid import numbers
from salesops.views.table import Column, amount, number, share, table, text
from salesops.widgets.exploration import Exploration
from salesops.widgets.segmentation import FEATURES, Segmentation, segment_sizes
from salesops.widgets.selection import play_counts
from salesops.widgets.stability_meter import meter

MOST_ROWS = 200
TITLES = {"account_name": "Customer", "account_id": "Account", "segment": "Segment", "play": "Play"}
STYLE = Markup("""<style>
.segment-explorer { --soft: var(--jp-ui-font-color2, #666); max-width: 960px; }
.segment-explorer table:not(.dataTable) { border-collapse: collapse; font-size: 13px; width: 100%; }
.segment-explorer table:not(.dataTable) caption { text-align: left; color: var(--soft); padding: 2px 0 6px; }
.segment-explorer table:not(.dataTable) th, .segment-explorer table:not(.dataTable) td {
  padding: 3px 8px; text-align: right; font-weight: normal; border-bottom: 1px solid #88888833; white-space: nowrap; }
.segment-explorer table:not(.dataTable) thead th { color: var(--soft); }
.segment-explorer .widget-html-content { line-height: 1.4; }
.segment-explorer .l { text-align: left !important; }
.segment-explorer .soft { color: var(--soft); }
.segment-explorer p { margin: 2px 0; line-height: 1.4; font-size: 13px; white-space: normal; }
.segment-explorer .alert { border-left: 3px solid #c4560a; padding: 2px 8px; }
.segment-explorer meter { width: 90px; vertical-align: middle; }
.segment-explorer ul.rules { margin: 4px 0; padding-left: 18px; font-size: 13px; line-height: 1.4; }
.segment-explorer summary { cursor: pointer; font-size: 13px; }
.segment-explorer h4 { margin: 8px 0 2px; font-size: 13px; font-weight: 600; }
.segment-explorer .widget-label { color: var(--jp-ui-font-color1, inherit); }
</style>""")


def sizes_panel(customers: pd.DataFrame, segmentation: Segmentation) -> Markup:
    """Show how large each segment is and what it is worth, and the rules of a grid folded away."""
    sizes = segment_sizes(customers, segmentation)
    columns: list[Column] = [
        text("segment", "Segment"),
        number("customers", "Customers"),
        share("share", "Share"),
    ]
    unit = ""
    if "total" in sizes:
        scale = words.scale_for(sizes["total"], currency="")
        columns.append(amount("total", "Money in all", scale=scale))
        unit = f", money in {scale.unit.strip()}s" if scale.unit.strip() else ""
    if "days_since" in sizes:
        columns.append(number("days_since", "Days since, median"))
    shown = table(sizes, columns, caption=f"{segmentation.headline}{unit}.")
    return shown.html + _rules(segmentation)


def selection_sentence(selected: pd.DataFrame, of: int) -> str:
    """Say how many customers are selected, what they are worth and which plays they get."""
    said = f"Selected: {words.number(len(selected))} of {words.plural(of, 'customer')}"
    if "total" in selected.columns and len(selected):
        said += f", {words.money(selected['total'].sum())} spent in all"
    plays = [f"{name} {count:,}" for name, count in play_counts(selected)]
    said += f". Plays: {words.and_list(plays, limit=6)}." if plays else "."
    if len(selected) > MOST_ROWS:
        said += f" The table shows the {MOST_ROWS} who spent most; the export holds all."
    return said


def shown_rows(selected: pd.DataFrame, state: Exploration) -> pd.DataFrame:
    """Return what the table on the screen holds, as people read it: the customers of a selection worth most."""
    rows = selected
    if "total" in rows.columns:
        rows = rows.sort_values("total", ascending=False, kind="stable")
    rows = rows.head(MOST_ROWS)
    shown = {TITLES[name]: rows[name].map(_plain) for name in TITLES if name in rows.columns}
    for name in dict.fromkeys([*state.axes, *state.columns, *(["total"] if "total" in rows.columns else [])]):
        shown[FEATURES[name]] = _figures(rows[name])
    if "last_owner_name" in rows.columns:
        shown["Last owner"] = rows["last_owner_name"].map(_plain)
    return pd.DataFrame(shown)


def stability_panel(state: Exploration, *, testing: bool) -> Markup:
    """Show how far the segments are to be trusted, or how to find out."""
    if not isinstance(state.definition, Clusters):
        return status("A rule grid is the same on every draw of customers: it needs no test of stability.")
    if state.stability is None:
        wait = "The stability is being tested; the explorer goes on working."
        return status(wait if testing else "Not tested yet: are these clusters real? Test their stability before use.")
    return status(state.stability) if isinstance(state.stability, str) else meter(state.stability)


def status(sentence: str, *, alert: bool = False) -> Markup:
    """Show a sentence that screen readers speak when it changes."""
    kind = "alert" if alert else "soft"
    return Markup('<p role="status" aria-live="polite" class="{}">{}</p>').format(kind, sentence)


def _figures(values: pd.Series) -> pd.Series:
    """Write figures with as many decimals as their size needs: the same down the column."""
    figures = pd.Series(numbers(values.to_frame("n"), "n"))
    whole = bool((figures.abs() >= 1_000).any()) or bool((figures.dropna() % 1 == 0).all())
    return pd.Series([words.number(value, decimals=0 if whole else 2) for value in figures], index=values.index)


def _plain(value: object) -> str:
    return words.MISSING if words.is_missing(value) else str(value)


def _rules(segmentation: Segmentation) -> Markup:
    if not isinstance(segmentation.definition, SegmentGrid):
        return Markup("")
    items = Markup("").join(Markup("<li>{}</li>").format(rule) for rule in grid_rules(segmentation.definition))
    return Markup('<details><summary>The rules</summary><ul class="rules">{}</ul></details>').format(items)
