"""The picture of the client's page: what came in each month."""

from __future__ import annotations

import altair as alt
import pandas as pd
from altair.utils.schemapi import debug_mode

from salesops import words
from salesops.pages.client.result import ClientPage
from salesops.views.blocks import Block, nothing
from salesops.views.look import ACCENT, INK, finish

_WHOLE = debug_mode(False)  # Altair checks the whole chart when it is shown; its parts need no check of their own


@_WHOLE
def months_chart(p: ClientPage) -> alt.LayerChart | Block:
    """Draw the client's sales net of returns in each of 24 months; nothing without any."""
    if not p.months.value.any():
        return nothing()
    scale = words.scale_for(p.months.value, currency=p.currency)
    top = p.months.loc[[p.months.value.idxmax()]]
    rows, best = (part.assign(end=part.month + pd.DateOffset(days=24)) for part in (p.months, top))
    best["label"] = [scale.show(value) for value in best.value]
    x = alt.X("month:T", title=None, axis=alt.Axis(format="%b %Y", tickCount=4, grid=False))
    axis = alt.Axis(labelExpr=f"format(datum.value / {scale.divisor}, ',')", tickCount=4)
    y = alt.Y("value:Q", title=scale.unit[:1].upper() + scale.unit[1:], axis=axis)
    bars = alt.Chart(rows).mark_rect(color=ACCENT).encode(x, alt.X2("end"), y, y2=alt.datum(0))
    best["month"] += pd.DateOffset(days=12)
    label = alt.Chart(best).mark_text(dy=-8, color=INK).encode(x, y, text="label:N")
    bought = int((p.months.value > 0).sum())
    said = [f"{row.month:%b %Y} {scale.show(row.value)}" for row in p.months.itertuples()]
    return finish(
        alt.layer(bars, label),
        title=f"Sales by month, net of returns: {bought} of the last 24 months had some",
        description=f"Sales by month in {scale.unit}: {', '.join(said)}.",
        height=220,
        wide=True,
    )
