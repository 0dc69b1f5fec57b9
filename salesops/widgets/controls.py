"""The controls of the explorer: labelled, in the order of the keyboard, without any logic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets as ipw  # type: ignore[import-untyped]  # it ships no types
from markupsafe import Markup

from salesops.widgets.panels import STYLE
from salesops.widgets.segmentation import FEATURES, FEWEST, METHODS, MOST, Choice, Method

_WIDE = {"description_width": "88px"}
_LAYOUT = ipw.Layout(width="300px")


class Controls:
    """Every input of the explorer. Attributes are ipywidgets, each with a label that a screen reader reads."""

    def __init__(
        self, methods: Sequence[Method], features: Sequence[str], choice: Choice, axes: tuple[str, str]
    ) -> None:
        named = [(FEATURES[name], name) for name in features]
        self.method = ipw.Dropdown(options=options(methods), value=choice.method, **_labelled("Method"))
        self.count = ipw.BoundedIntText(value=choice.count, min=FEWEST, max=MOST, **_labelled("Segments"))
        self.features = ipw.SelectMultiple(
            options=named, value=choice.features, rows=min(len(named), 7), **_labelled("Features")
        )
        self.x = ipw.Dropdown(options=named, value=axes[0], **_labelled("Across"))
        self.y = ipw.Dropdown(options=named, value=axes[1], **_labelled("Up"))
        self.segments = ipw.SelectMultiple(options=[], rows=5, **_labelled("Only"))
        self.limits = [_limit(f"{axis} {end}") for axis in ("Across", "Up") for end in ("from", "to")]
        self.clear = _button("Select all", "Remove the box and select every customer")
        self.test = _button("Test stability", "Draw the customers again and again and see whether the clusters return")
        self.export_name = ipw.Text(value="selection.csv", **_labelled("File name"))
        self.export = _button("Export selection", "Write the selected customers to a CSV file")
        self.definition_name = ipw.Text(value="segments.toml", **_labelled("Definition"))
        self.replace = ipw.Checkbox(value=False, description="Replace", indent=False, layout=ipw.Layout(width="90px"))
        self.save = _button("Save definition", "Freeze these segments in a file, so that they mean the same next month")
        self.load = _button("Load definition", "Use segments that were saved before")


class Seen:
    """Every output of the explorer: sentences and small tables, and the places of chart and large table."""

    def __init__(self) -> None:
        self.said, self.caption, self.sizes, self.counted, self.meter = (ipw.HTML() for _ in range(5))
        self.chart, self.table = ipw.VBox(), ipw.VBox()


def arranged(own: Controls, seen: Seen, bell: Any) -> list[Any]:
    """Return the explorer top to bottom; side by side where the window is wide."""
    left = ipw.VBox(
        [
            _heading("Segments"), own.method, own.count, own.features, ipw.HBox([own.test]), seen.meter,
            _heading("Scatter"), own.x, own.y,
        ],
        layout=ipw.Layout(width="320px"),
    )  # fmt: skip  # in the order of the keyboard
    right = ipw.VBox([seen.chart, seen.caption], layout=ipw.Layout(width="620px", min_height="440px"))
    choosing = ipw.VBox([_heading("Selection"), own.segments, *own.limits, ipw.HBox([own.clear])])
    keeping = ipw.VBox(
        [
            _heading("Keep"), own.export_name, ipw.HBox([own.export]),
            own.definition_name, ipw.HBox([own.save, own.replace, own.load]), seen.said,
        ]
    )  # fmt: skip  # the same
    return [
        ipw.HTML(str(STYLE)),
        _row([left, right]),
        seen.sizes,
        _row([choosing, keeping]),
        seen.counted,
        seen.table,
        bell,
    ]


def options(methods: Sequence[Method]) -> list[tuple[str, Method]]:
    """Return methods as a menu shows them."""
    return [(METHODS[name], name) for name in methods]


def _labelled(label: str) -> dict[str, Any]:
    return {"description": label, "style": _WIDE, "layout": _LAYOUT}


def _limit(label: str) -> Any:
    return ipw.Text(value="", placeholder="no limit", continuous_update=False, **_labelled(label))


def _button(label: str, tooltip: str) -> Any:
    return ipw.Button(description=label, tooltip=tooltip, layout=ipw.Layout(width="auto"))


def _heading(words: str) -> Any:
    return ipw.HTML(str(Markup("<h4>{}</h4>").format(words)))


def _row(children: list[Any]) -> Any:
    return ipw.Box(children, layout=ipw.Layout(display="flex", flex_flow="row wrap", grid_gap="8px 24px"))
