"""Charts of customer segments: where the money is, how segments fared, and who went where."""

from __future__ import annotations

import altair as alt
from altair.utils.schemapi import debug_mode

from salesops import words
from salesops.models.segments.migration import ABSENT, GONE
from salesops.pages.segments.findings import CustomerSegments
from salesops.pages.segments.moves import ENOUGH
from salesops.views.blocks import Block, nothing
from salesops.views.look import ACCENT, INK, PAPER, ROW, SOFT, finish

_WHOLE = debug_mode(False)  # Altair checks the whole chart when it is shown; its parts need no check of their own


@_WHOLE
def shares_chart(s: CustomerSegments) -> alt.LayerChart | Block:
    """Draw each segment's share of the customers beside its share of the money; nothing without segments."""
    value, what = ("value", "expected money") if s.now.usable else ("money", "money so far")
    rows = s.segments[["segment", "customer_share", f"{value}_share"]].astype({"segment": str})
    if rows.empty or s.why_not:
        return nothing()
    kinds = {"customer_share": "of customers", f"{value}_share": f"of {what}"}
    long = rows.rename(columns=kinds).melt("segment", var_name="kind", value_name="share").fillna({"share": 0.0})
    long["label"] = [words.percent(share) for share in long["share"]]
    names, drawn = list(rows["segment"]), list(kinds.values())
    y = alt.Y("segment:N", sort=names, title=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=150))
    offset = alt.YOffset("kind:N", sort=drawn)
    room = alt.Scale(domain=[0, float(long["share"].max()) * 1.15], nice=False)
    x = alt.X("share:Q", title=None, axis=alt.Axis(format=".0%", tickCount=4), scale=room)
    color = alt.Color("kind:N", sort=drawn, scale=alt.Scale(domain=drawn, range=[SOFT, ACCENT]))
    opacity = alt.Opacity("kind:N", sort=drawn, scale=alt.Scale(domain=drawn, range=[0.5, 1]))
    bars = alt.Chart(long).mark_bar(stroke=PAPER).encode(y, x, offset, color, opacity)
    labels = alt.Chart(long).mark_text(align="left", dx=4).encode(y, x, offset, text="label:N")
    wide = rows.assign(over=rows[f"{value}_share"] - rows["customer_share"])
    most = wide.nlargest(1, "over").iloc[0]
    title = (
        f"“{most['segment']}”: {words.percent(most['customer_share'])} of customers, "
        f"{words.percent(most[f'{value}_share'])} of {what}"
    )
    description = f"Share of customers and of {what} by segment. " + "; ".join(
        f"{row[0]}: {words.percent(row[1])} and {words.percent(row[2])}" for row in rows.itertuples(index=False)
    )
    return finish(alt.layer(bars, labels), title=title, description=description, height=80 + 1.5 * ROW * len(rows))


@_WHOLE
def since_chart(s: CustomerSegments) -> alt.LayerChart | Block:
    """Draw the share of each earlier segment that has bought since, with its interval; nothing without one."""
    if s.since.empty or s.why_not:
        return nothing()
    rows = s.since.astype({"segment": str})
    rows["count"] = [f"of {words.number(count)}" for count in rows["customers"]]
    rows["kind"] = ["bought since" if count >= ENOUGH else "too early to say" for count in rows["customers"]]
    kinds = ["bought since", "too early to say"]
    y = alt.Y(
        "segment:N", sort=list(rows["segment"]), title=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=150)
    )
    room = alt.Scale(domain=[0, 1.2], nice=False)
    axis = alt.Axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1])
    color = alt.Color("kind:N", scale=alt.Scale(domain=kinds, range=[ACCENT, SOFT]))
    fill = alt.Fill("kind:N", scale=alt.Scale(domain=kinds, range=[ACCENT, PAPER]))
    base = alt.Chart(rows)
    lines = base.mark_rule(strokeWidth=2).encode(
        y, alt.X("low:Q", title=None, axis=axis, scale=room), alt.X2("high"), color
    )
    dots = base.mark_point(size=70, opacity=1).encode(y, alt.X("rate:Q", scale=room), color, fill)
    counts = base.mark_text(align="left", dx=6).encode(y, alt.X("high:Q"), text="count:N")
    title = f"Bought between {words.day(s.before.as_of)} and {words.day(s.now.as_of)}, by the segment before"
    description = f"{title}. " + "; ".join(
        f"{row.segment}: {words.percent(row.rate)}, {words.percent(row.low)} to {words.percent(row.high)} {row.of}"
        for row in rows.rename(columns={"count": "of"}).itertuples()
    )
    return finish(alt.layer(lines, dots, counts), title=title, description=description, height=80 + ROW * len(rows))


@_WHOLE
def moves_chart(s: CustomerSegments) -> alt.LayerChart | Block:
    """Draw who went from which segment to which, as shares of the segment before; nothing without two dates."""
    rows = s.migration.transitions
    rows = rows[(rows.before != ABSENT) & (rows.after != GONE) & (rows.customers > 0)]
    if rows.empty or s.why_not:
        return nothing()
    drawn = rows.astype({"before": str, "after": str})
    names = [
        str(name) for name in rows.before.cat.categories if str(name) in set(drawn["before"]) | set(drawn["after"])
    ]
    drawn["label"] = [words.number(count) for count in drawn["customers"]]
    drawn["kind"] = ["stayed" if a == b else "moved" for a, b in zip(drawn["before"], drawn["after"], strict=True)]
    y = alt.Y(
        "before:N", sort=names, title=None, scale=alt.Scale(domain=names), axis=alt.Axis(ticks=False, domain=False)
    )
    across = alt.Axis(ticks=False, domain=False, labelAngle=-60, orient="top")
    x = alt.X("after:N", sort=names, title=None, scale=alt.Scale(domain=names), axis=across)
    color = alt.Color("kind:N", scale=alt.Scale(domain=["stayed", "moved"], range=[SOFT, ACCENT]))
    opacity = alt.Opacity("share:Q", scale=alt.Scale(domain=[0, 1], range=[0.12, 0.75]), legend=None)
    cells = alt.Chart(drawn).mark_rect(stroke=PAPER).encode(x, y, color, opacity)
    labels = alt.Chart(drawn).mark_text(color=INK).encode(x, y, text="label:N")
    stayed = drawn.loc[drawn["kind"] == "stayed", "customers"].sum()
    everyone = words.plural(drawn["customers"].sum(), "customer")
    title = f"{words.number(stayed)} of {everyone} stayed. Rows: segment before; columns: now"
    description = "Customers by segment before and now. " + "; ".join(
        f"{row.before} to {row.after}: {row.label}"
        for row in drawn.sort_values("customers", ascending=False).head(30).itertuples()
    )
    height = 170 + ROW * len(names)
    return finish(alt.layer(cells, labels), title=title, description=description, height=height, wide=True)
