"""The state of the explorer and what may be done with it, without anything to see."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops.errors import BookError
from salesops.models.segments import Clusters, Stability
from salesops.models.segments.grid import check_customers
from salesops.widgets import files
from salesops.widgets.segmentation import (
    Choice,
    Definition,
    Method,
    Segmentation,
    features_of,
    first_choice,
    methods_for,
    segment_customers,
)
from salesops.widgets.selection import Axes, Box, Plays, plays_of, select, selection_table

_FIRST_AXES = ("days_since", "total", "monetary", "median_gap")


class Exploration:
    """Customers, how they are segmented, and which of them are selected.

    A step that raises BookError leaves everything as it was.

    Attributes
    ----------
    customers : pandas.DataFrame
        All of them, in the order that was given.
    methods, features : tuple of str
        What may be chosen.
    segmentation : Segmentation
        The segments of all customers.
    axes : tuple of str
        The columns that the box limits.
    box : Box or None
        Limits of the selection.
    segments : tuple of str
        Segments of the selection; empty for all.
    """

    def __init__(self, customers: pd.DataFrame, *, folder: Path = Path(), plays: Plays | None = None) -> None:
        check_customers(customers, [])
        self.customers = customers.reset_index(drop=True)
        self.methods, self.features = methods_for(customers), features_of(customers)
        self._folder, self._asked_plays = folder, plays
        self._saved: Definition | None = None
        self._known: dict[Choice, tuple[Segmentation, pd.Series | None]] = {}
        self._stabilities: dict[Clusters, Stability | str] = {}
        self._first = first_choice(customers)
        self.axes, self.box, self.segments = _first_axes(self.features), None, ()
        self.choose(self._first)

    axes: Axes
    box: Box | None
    segments: tuple[str, ...]
    segmentation: Segmentation

    @property
    def definition(self) -> Definition:
        """What gives the segments."""
        return self.segmentation.definition

    @property
    def chosen(self) -> NDArray[np.bool_]:
        """Which customers are selected."""
        return select(self.customers, self.segmentation, self.axes, self.box, self.segments)

    @property
    def selection(self) -> pd.DataFrame:
        """The selected customers in their order, with segment and, where plays are given, play."""
        return selection_table(self.customers, self.segmentation, self.chosen, self._plays)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that make the segments."""
        if isinstance(self.definition, Clusters):
            return self.definition.columns
        return tuple(dimension.column for dimension in self.definition.dimensions)

    @property
    def stability(self) -> Stability | str | None:
        """How far the clusters are to be trusted, a sentence if that cannot be said, None if nobody asked yet."""
        return self._stabilities.get(self.definition) if isinstance(self.definition, Clusters) else None

    def choose(self, choice: Choice) -> None:
        """Segment the customers anew. The box stays, and those of the selected segments that still exist."""
        if not choice.clusters:
            choice = self._without_clusters(choice.method)
        if choice not in self._known:
            made = segment_customers(self.customers, choice, self._saved)
            self._known[choice] = made, plays_of(self.customers, made, self._asked_plays)
        self.segmentation, self._plays = self._known[choice]
        self.segments = tuple(name for name in self.segments if name in self.segmentation.names)

    def turn(self, axes: Axes) -> None:
        """Show other columns. A box on the old ones is gone."""
        if axes != self.axes:
            self.axes, self.box = axes, None

    def limit(self, texts: tuple[str, str, str, str]) -> None:
        """Set the box from what a person typed: from and to across, from and to up; empty is open."""
        ends = [_number(text, ends) for text, ends in zip(texts, (-np.inf, np.inf) * 2, strict=True)]
        self.box = Box((ends[0], ends[1]), (ends[2], ends[3])) if np.isfinite(ends).any() else None

    def judged(self, clusters: Clusters, found: Stability | str) -> None:
        """Note the stability of clusters, whatever is shown by now."""
        self._stabilities[clusters] = found

    def export(self, name: str) -> Path:
        """Write the selection to a new CSV file."""
        selected = self.selection
        if selected.empty:
            raise BookError("No customer is selected. Select some, then export.")
        return files.export_csv(selected, self._folder, name)

    def save(self, name: str, *, replace: bool = False) -> Path:
        """Write the definition of the segments to a file."""
        return files.save_definition(self.definition, self._folder, name, replace=replace)

    def load(self, name: str) -> None:
        """Segment the customers by a saved definition."""
        definition = files.load_definition(self._folder, name)
        made = segment_customers(self.customers, Choice("saved"), definition)  # before anything changes
        self._saved = definition
        self._known[self._without_clusters("saved")] = made, plays_of(self.customers, made, self._asked_plays)
        if "saved" not in self.methods:
            self.methods = (*self.methods, "saved")
        self.choose(Choice("saved"))

    def _without_clusters(self, method: Method) -> Choice:
        """Return the choice of a method that has its own features and number; the fields keep the first ones."""
        return replace(self._first, method=method)


def _first_axes(features: tuple[str, ...]) -> Axes:
    first = [name for name in _FIRST_AXES if name in features]
    listed = list(dict.fromkeys([*first, *features]))
    return listed[0], listed[min(1, len(listed) - 1)]


def _number(text: str, empty: float) -> float:
    plain = text.strip().replace(",", "").replace("−", "-")
    if not plain:
        return empty
    try:
        value = float(plain)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise BookError(f"A limit must be a number such as 1000, or empty. Got {text.strip()!r}.")
    return value
