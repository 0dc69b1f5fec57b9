"""The controls of the explorer: labelled, in the order of the keyboard, without any logic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets as ipw  # type: ignore[import-untyped]  # it ships no types
from markupsafe import Markup

from salesops.widgets.panels import STYLE
from salesops.widgets.segmentation import FEATURES, FEWEST, METHODS, MOST, Choice, Method

_LABEL = "84px"
_LEFT, _RIGHT = ipw.Layout(width="312px"), ipw.Layout(width="600px")


class Controls:
    """Every input of the explorer. Attributes are ipywidgets, each with a label that a screen reader reads."""

    def __init__(
        self, methods: Sequence[Method], features: Sequence[str], choice: Choice, axes: tuple[str, str]
    ) -> None:
        named = [(FEATURES[name], name) for name in features]
        self.method = ipw.Dropdown(options=options(methods), value=choice.method, **_labelled("Method"))
        self.count = ipw.BoundedIntText(value=choice.count, min=FEWEST, max=MOST, **_labelled("Clusters"))
        self.features = ipw.SelectMultiple(
            options=named, value=choice.features, rows=min(len(named), 7), **_labelled("Features")
        )
        self.x = ipw.Dropdown(options=named, value=axes[0], **_labelled("Across"))
        self.y = ipw.Dropdown(options=named, value=axes[1], **_labelled("Up"))
        self.segments = ipw.SelectMultiple(options=[], rows=5, **_labelled("Only"))
        self.limits = [limit for axis in ("Across", "Up") for limit in _limits(axis)]
        self.clear = _button("Select all", "Remove the box and select every customer")
        self.test = _button("Test stability", "Draw the customers again and again and see whether the clusters return")
        self.export_name = ipw.Text(value="selection.csv", **_labelled("File name"))
        self.export = _button("Export selection", "Write the selected customers to a CSV file")
        self.definition_name = ipw.Text(value="segments.toml", **_labelled("Definition"))
        self.replace = ipw.Checkbox(value=False, **_labelled("Replace a file of that name"))
        self.save = _button("Save", "Freeze these segments in a file, so that they mean the same next month")
        self.load = _button("Load", "Use segments that were saved before")


class Seen:
    """Every output of the explorer: sentences and small tables, and the places of chart and large table."""

    def __init__(self) -> None:
        self.said, self.caption, self.sizes, self.counted, self.meter = (ipw.HTML() for _ in range(5))
        self.chart, self.table = ipw.VBox(), ipw.VBox()


def arranged(own: Controls, seen: Seen, bell: Any) -> list[Any]:
    """Return the explorer top to bottom; side by side where the window is wide."""
    across, up = ipw.HBox(own.limits[:2]), ipw.HBox(own.limits[2:])
    left = ipw.VBox(
        [
            _heading("Segments"), own.method, own.count, own.features, _buttons(own.test), seen.meter,
            _heading("Scatter"), own.x, own.y,
            _heading("Selection"), own.segments, across, up, _buttons(own.clear),
        ],
        layout=_LEFT,
    )  # fmt: skip  # in the order of the keyboard
    right = ipw.VBox([seen.chart, seen.caption, seen.counted, seen.said], layout=_RIGHT)
    keeping = ipw.VBox(
        [
            _heading("Export"), own.export_name, _buttons(own.export),
            _heading("Definition"), own.definition_name, own.replace, _buttons(own.save, own.load),
        ],
        layout=_LEFT,
    )  # fmt: skip  # the same
    sizes = ipw.VBox([seen.sizes], layout=_RIGHT)
    return [ipw.HTML(str(STYLE)), _row([left, right]), seen.table, _row([keeping, sizes]), bell]


def options(methods: Sequence[Method]) -> list[tuple[str, Method]]:
    """Return methods as a menu shows them."""
    return [(METHODS[name], name) for name in methods]


def _labelled(label: str) -> dict[str, Any]:
    return {"description": label, "style": {"description_width": _LABEL}, "layout": ipw.Layout(width="300px")}


def _limits(axis: str) -> list[Any]:
    """Return the fields for both ends of an axis, which stand in one line."""
    ends = ((f"{axis} from", "178px", _LABEL, f"{axis} from"), ("to", "118px", "20px", f"{axis} to"))
    return [
        ipw.Text(
            placeholder="no limit",
            continuous_update=False,
            description=label,
            tooltip=tooltip,
            style={"description_width": label_width},
            layout=ipw.Layout(width=width),
        )
        for label, width, label_width, tooltip in ends
    ]


def _button(label: str, tooltip: str) -> Any:
    return ipw.Button(description=label, tooltip=tooltip, layout=ipw.Layout(width="auto", flex="0 0 auto"))


def _buttons(*buttons: Any) -> Any:
    return ipw.HBox(list(buttons), layout=ipw.Layout(margin=f"0 0 0 {_LABEL}"))


def _heading(words: str) -> Any:
    return ipw.HTML(str(Markup("<h4>{}</h4>").format(words)))


def _row(children: list[Any]) -> Any:
    return ipw.Box(children, layout=ipw.Layout(display="flex", flex_flow="row wrap", grid_gap="4px 20px"))
