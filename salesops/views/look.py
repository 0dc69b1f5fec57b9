"""The look that all charts share: sizes, colours, and what the page needs to know about them.

JupyterLab draws a chart with the colours below, which read on white and on black. A page draws the same
chart with its own colours: `usermeta.page_colors` in the specification says which style-sheet variable
stands for which colour, so one picture serves light, dark and paper. A notebook stores the specification of a chart,
which JupyterLab draws without internet.
"""

from __future__ import annotations

import textwrap
from typing import Any

import altair as alt

alt.renderers.enable("mimetype")

INK = "#757575"  # what matters in words and lines
SOFT = "#777777"  # axes, labels, the expected
LINE = "#88888844"  # grids and bands
ACCENT = "#2f74d0"  # the facts that the chart is about
ALERT = "#c4560a"  # what needs a talk; always with a second sign
PAPER = "#ffffff00"  # gaps between touching marks

PAGE_COLORS = {
    INK: "var(--ink)",
    SOFT: "var(--soft)",
    LINE: "var(--line)",
    ACCENT: "var(--accent)",
    ALERT: "var(--alert)",
    PAPER: "var(--paper)",
}

FONT = "Arial, Liberation Sans, sans-serif"  # the same widths wherever a chart is measured and drawn
WIDTH = 400  # with labels; a phone shows it at 350, where letters of 12 keep 10.5 pixels
WIDE = 920  # of a chart that takes the whole page
ROW = 24  # height of a line with a name


def finish(chart: alt.LayerChart, *, title: str, description: str, height: float, wide: bool = False) -> alt.LayerChart:
    """Give a chart its size, title, description for screen readers and the shared look.

    One that is `wide` takes the whole width of a page; a page shows it at WIDTH on a phone.
    """
    text: dict[str, Any] = {"labelColor": SOFT, "titleColor": SOFT, "labelFontSize": 12, "titleFontSize": 12}
    lines: dict[str, Any] = {"gridColor": LINE, "domainColor": LINE, "tickColor": LINE}
    # set in place: each of properties() and configure_…() would copy the chart with its data
    chart.width, chart.height = WIDE if wide else WIDTH, height
    chart.autosize = alt.AutoSizeParams(type="fit", contains="padding")
    chart.padding = {"left": 4, "right": 6, "top": 4, "bottom": 2}
    lines_of_title = textwrap.wrap(title, 110 if wide else 52)
    chart.title = alt.TitleParams(lines_of_title, anchor="start", color=INK, fontSize=14, offset=12)
    chart.description = description
    chart.usermeta = {"page_colors": PAGE_COLORS} | ({"narrow": WIDTH} if wide else {})
    chart.config = alt.Config(
        background="transparent",
        font=FONT,
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(**text, **lines, titleFontWeight="normal", labelLimit=130, titlePadding=8),
        legend=alt.LegendConfig(
            **text, orient="top", title=None, labelLimit=300, symbolStrokeWidth=2, columns=2, columnPadding=18
        ),
        text=alt.MarkConfig(fontSize=12, color=INK),
    )
    return chart
