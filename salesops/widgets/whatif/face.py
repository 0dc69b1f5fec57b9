"""The what-if on the screen: one widget whose every word comes from Python, and whose every step goes there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as ipw  # type: ignore[import-untyped]  # it ships no types
import traitlets

from salesops.book.source import Book
from salesops.errors import SalesopsError, ScenarioError
from salesops.models.forecast.inputs import Inputs, forecast_inputs
from salesops.periods import Period
from salesops.widgets.panels import status
from salesops.widgets.whatif.shown import setup, shown
from salesops.widgets.whatif.state import WhatIf

_HERE = Path(__file__).parent


def quota_whatif(
    book: Book, period: Period, as_of: date, *, inputs: Inputs | None = None, folder: Path | str = "scenarios"
) -> QuotaWhatIf | ipw.HTML:
    """Show what a company's quotas, people, selling and pay lead to, with every lever under the hand.

    Parameters
    ----------
    book : Book
        The company's tables.
    period : Period
        What the quotas are for.
    as_of : date
        The day up to which everything is known.
    inputs : Inputs, optional
        What `forecast_inputs` gives for these, if it is known already.
    folder : path
        Where scenarios are read from and saved to, and exports are written; made when the first one is.

    Returns
    -------
    QuotaWhatIf
        `state` is what is shown. If nobody has a line in the period: a sentence.
    """
    try:
        found = inputs or forecast_inputs(book, period, as_of)
    except SalesopsError as error:
        return ipw.HTML(str(status(str(error), alert=True)))
    return QuotaWhatIf(WhatIf(book, found, folder=Path(folder)))


class QuotaWhatIf(anywidget.AnyWidget):
    """The what-if in a browser. Made by `quota_whatif`.

    The browser sends lists of steps, at most one list at a time; what piles up meanwhile is sent together, where
    a later value of a lever replaces an earlier one. Each list is answered by one new value of `shown`.

    Attributes
    ----------
    state : WhatIf
        What is shown, and what may be done with it.
    setup, shown : dict
        What the browser is told.
    """

    _esm = _HERE / "face.js"
    _css = _HERE / "face.css"
    setup = traitlets.Dict().tag(sync=True)
    shown = traitlets.Dict().tag(sync=True)

    def __init__(self, state: WhatIf) -> None:
        self.state = state
        super().__init__(setup=setup(state), shown={**shown(state), "answers": ["", 0]})
        self.on_msg(self._heard)

    def _heard(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        """Take the steps that the browser sends, and answer."""
        if "steps" not in content:
            return
        said, alert, coarse = take(self.state, content["steps"])
        answers = [content.get("from", ""), content.get("number", 0)]
        try:
            told = shown(self.state, said, alert=alert, coarse=coarse)
        except SalesopsError as error:  # what a step allowed cannot be shown: a saved scenario that no longer fits
            told = {**self.shown, "said": str(error), "alert": True}
        self.shown = {**told, "answers": answers}


def take(state: WhatIf, steps: list[Mapping[str, Any]]) -> tuple[str, bool, bool]:
    """Take steps in their order, and return what came of the last, whether one failed, and whether all is in motion.

    A step that fails changes nothing, and those after it are taken all the same.
    """
    said, alert, coarse = "", False, False
    for step in steps:
        coarse = bool(step.get("moving"))
        try:
            told = _act(state, step)
            said = said if alert else told or ""
        except SalesopsError as error:
            said, alert, coarse = str(error), True, False
    return said, alert, coarse


def _act(state: WhatIf, step: Mapping[str, Any]) -> str | None:
    acts: dict[str, Callable[[], str | None]] = {
        "set": lambda: state.set(step["name"], step["value"], moving=bool(step.get("moving"))),
        "quota": lambda: state.set_quota(step["name"], step["value"]),
        "move": lambda: state.add_move(step["giver"], step["receiver"], step["value"]),
        "unmove": lambda: state.drop_move(int(step["value"])),
        "lock": lambda: state.lock(step["name"], on=bool(step["value"])),
        "reset": state.reset,
        "undo": state.undo,
        "redo": state.redo,
        "exact": state.rest,
        "save": lambda: f"Saved to {state.save(step['name'])}.",
        "open": lambda: _told_open(state, step["name"]),
        "compare": lambda: state.compare(step["name"], on=bool(step["value"])),
        "take": lambda: state.take(str(step["value"])),
        "read": lambda: f"Read “{state.take_in(step['value'], step['name'])}”.",
        "export": lambda: f"Wrote the quotas to {state.export(step['name'])}.",
        "book": lambda: _told_book(state.to_book(step["name"])),
    }
    if step.get("do") not in acts:
        raise ScenarioError(f"There is no step {step.get('do')!r}.")
    return acts[step["do"]]()


def _told_open(state: WhatIf, name: str) -> str:
    state.open(name)
    return f"These are the levers of “{name}”."


def _told_book(version: str) -> str:
    return (
        f"The book has the quotas as version “{version}”; they count when it is opened again. "
        "Rollups of managers stay as they were."
    )
