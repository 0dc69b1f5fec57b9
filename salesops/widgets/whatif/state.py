"""The state of the what-if and what may be done with it, without anything to see."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from salesops.book.source import Book
from salesops.errors import ScenarioError, did_you_mean
from salesops.models.forecast.inputs import Inputs
from salesops.models.forecast.sums import COARSE_GRID, GRID
from salesops.models.quota import Move, Outcome, Scenario, baseline, outcome
from salesops.models.quota.files import named, read_scenarios, to_toml
from salesops.widgets.whatif import files
from salesops.widgets.whatif.levers import Lever, changed, levers_of

COMPARED = 4
STEPS_KEPT = 200
OUTCOMES_KEPT = 12
QUOTAS, MOVES = "quotas", "moves"


class WhatIf:
    """A scenario under way, beside the baseline and those saved.

    A step that raises ScenarioError or BookError leaves everything as it was.

    Attributes
    ----------
    book : Book
        Whose quotas they are.
    inputs : Inputs
        What the forecast of the period stands on.
    start, now : Scenario
        The baseline, and what the levers say.
    levers : dict of Lever
        By name.
    locked : frozenset of str
        Levers, quotas or moves that neither a hand nor a reset changes.
    saved : dict of Scenario
        By name: those of the folder that fit this book and period, and those read from other files.
    compared : tuple of str
        Names of saved scenarios that stand beside each other, at most COMPARED.
    refused : tuple of str
        Why files of the folder are not among the saved, in sentences.
    """

    def __init__(self, book: Book, inputs: Inputs, *, folder: Path = Path("scenarios")) -> None:
        self.book, self.inputs, self._folder = book, inputs, folder
        self._known: dict[tuple[Scenario, int], Outcome] = {}
        self.saved: dict[str, Scenario] = {}
        self.compared: tuple[str, ...] = ()
        self.start = self.now = baseline(book, inputs.period)
        self.levers: dict[str, Lever] = {lever.name: lever for lever in levers_of(inputs, self.outcome(self.start))}
        self.locked: frozenset[str] = frozenset()
        self.saved, self.refused = read_scenarios([folder], book, inputs)
        self.compared = tuple(self.saved)[:COMPARED]
        self._past: list[Scenario] = []
        self._undone: list[Scenario] = []
        self._moving = ""

    def outcome(self, scenario: Scenario, *, coarse: bool = False) -> Outcome:
        """Return what a scenario leads to, on the coarse grid if asked; the last ones are kept."""
        key = (scenario, COARSE_GRID if coarse else GRID)
        found = self._known.pop(key, None) or outcome(self.inputs, scenario, grid=key[1])
        if len(self._known) >= OUTCOMES_KEPT:
            side_by_side = {self.start, *(self.saved[name] for name in self.compared)}
            del self._known[next(one for one in self._known if one[0] not in side_by_side or one[1] != GRID)]
        self._known[key] = found  # the last used goes last
        return found

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step that was taken back and may be taken again."""
        return bool(self._undone)

    def set(self, name: str, shown: Any, *, moving: bool = False) -> None:
        """Set a lever to what a person gave, in the unit shown. Steps of one movement are one step to undo."""
        lever = self.levers.get(name)
        if lever is None:
            raise ScenarioError(f"There is no lever '{name}'. {did_you_mean(name, self.levers)}")
        self._refuse_locked(name, lever.label)
        try:
            wanted = replace(self.now, **{name: lever.value(shown)})
        except ScenarioError as error:
            raise ScenarioError(f"{lever.label}: {error}") from None
        self._go(wanted, name, moving=moving)

    def set_quota(self, user: str, shown: Any, *, moving: bool = False) -> None:
        """Fix a rep's quota (money); empty frees it again."""
        self._refuse_locked(QUOTAS, "The table of quotas")
        quotas = dict(self.now.quotas)
        quotas.pop(user, None)
        if shown is not None and shown != "":
            quotas[user] = Lever("quota", "", f"The quota of '{user}'").value(shown)
        self._go(replace(self.now, quotas=tuple(quotas.items())), f"quota {user}", moving=moving)

    def add_move(self, giver: str, receiver: str, percent: Any) -> None:
        """Let a percentage of a rep's new business go to another."""
        self._refuse_locked(MOVES, "The list of moves")
        share = Lever("share", "", "The share", scale=100.0).value(percent)
        self._go(replace(self.now, moves=(*self.now.moves, Move(giver, receiver, share))), MOVES)

    def drop_move(self, place: int) -> None:
        """Take a move back."""
        self._refuse_locked(MOVES, "The list of moves")
        moves = self.now.moves
        self._go(replace(self.now, moves=(*moves[:place], *moves[place + 1 :])), MOVES)

    def lock(self, name: str, *, on: bool) -> None:
        """Lock a lever, the quotas or the moves, or free them."""
        if name not in self.levers and name not in (QUOTAS, MOVES):
            raise ScenarioError(f"There is no lever '{name}'. {did_you_mean(name, self.levers)}")
        self.locked = self.locked | {name} if on else self.locked - {name}

    def reset(self) -> None:
        """Set everything that is not locked to the baseline."""
        kept = {name: getattr(self.now, name) for name in self.locked}
        self._go(replace(self.start, **kept), "reset")

    def undo(self) -> None:
        """Take the last step back, whatever is locked."""
        if not self._past:
            raise ScenarioError("There is no step to take back.")
        self._undone.append(self.now)
        self.now, self._moving = self._past.pop(), ""

    def redo(self) -> None:
        """Take the step again that was taken back last, whatever is locked."""
        if not self._undone:
            raise ScenarioError("There is no step to take again.")
        self._past.append(self.now)
        self.now, self._moving = self._undone.pop(), ""

    def rest(self) -> None:
        """End a movement: what moves next is a step of its own."""
        self._moving = ""

    def save(self, name: str) -> Path:
        """Save the scenario under a name, in a file of its own, and compare it if there is room."""
        named = replace(self.now, name=name.strip())
        if not named.name or named.name == self.start.name:
            raise ScenarioError(f"Give the scenario a name of its own, not {name!r}.")
        path = files.save(named, self._folder, known=self.saved.get(named.name))
        self.saved[named.name] = self.now = named
        self.compare(named.name, on=len(self.compared) < COMPARED or named.name in self.compared)
        return path

    def open(self, name: str) -> None:
        """Set the levers as a saved scenario has them; what is locked stays."""
        kept = {lever: getattr(self.now, lever) for lever in self.locked}
        self._go(replace(self._saved(name), **kept), "open")

    def compare(self, name: str, *, on: bool) -> None:
        """Put a saved scenario beside the others, or take it away."""
        self._saved(name)
        others = tuple(one for one in self.compared if one != name)
        if on and len(others) >= COMPARED:
            raise ScenarioError(f"{COMPARED} scenarios can stand beside each other. Take one away first.")
        self.compared = (*others, name) if on and name not in self.compared else self.compared if on else others

    def take_in(self, text: str, where: str) -> str:
        """Read a scenario that somebody shared, keep it under its name, and return the name."""
        read = files.read_text(text, where, self.book, self.inputs)
        self.outcome(read)  # it names reps of this period, or is refused
        ((name, found),) = named(read, Path(where).stem, {self.start.name: self.start, **self.saved}).items()
        files.save(found, self._folder, known=self.saved.get(name))
        self.saved[name] = found
        if len(self.compared) < COMPARED:
            self.compare(found.name, on=True)
        return found.name

    def kept(self) -> str:
        """Return the levers and locks as text for `take` in another what-if of this book; "" if nothing is moved."""
        if not self.changed and not self.locked:
            return ""
        return json.dumps({"scenario": to_toml(self.now), "locked": sorted(self.locked)})

    def take(self, text: str) -> None:
        """Set the levers and locks as `kept` has said. Nothing is saved.

        Raises ScenarioError if the text is of another book or period, or is none.
        """
        try:
            told = json.loads(text)
            scenario, locked = str(told["scenario"]), frozenset(told["locked"])
        except (ValueError, KeyError, TypeError) as error:
            raise ScenarioError(f"These are no levers: {error}.") from None
        self._go(files.read_text(scenario, "What was kept", self.book, self.inputs), "take")
        self.locked = locked & {*self.levers, QUOTAS, MOVES}

    def export(self, name: str) -> Path:
        """Write the quotas of the scenario, and today's, to a new CSV file."""
        return files.export_quotas(self.outcome(self.now), self.quotas_today, self._folder, name)

    def to_book(self, name: str) -> str:
        """Add the quotas of the scenario to the book as a new version, and return what it is called."""
        return files.quotas_to_book(self.book, self.inputs, self.outcome(self.now), name)

    @property
    def quotas_today(self) -> Any:
        """Today's quota of each rep (money, NaN without one)."""
        return self.inputs.reps.quota.to_numpy(float)

    @property
    def changed(self) -> tuple[str, ...]:
        """What differs from the baseline: names of levers, quotas, moves."""
        return changed(self.now, self.start)

    def _go(self, wanted: Scenario, what: str, *, moving: bool = False) -> None:
        """Take a step, if it leads anywhere: a scenario that cannot be played through is refused before."""
        self.outcome(wanted, coarse=moving)
        same_movement, other = self._moving == what, wanted != self.now
        if other and not same_movement:
            self._past = [*self._past, self.now][-STEPS_KEPT:]
        if other:
            self._undone = []
        self.now, self._moving = wanted, what if moving and (other or same_movement) else ""

    def _refuse_locked(self, name: str, label: str) -> None:
        if name in self.locked:
            raise ScenarioError(f"{label} is locked. Free it to change it.")

    def _saved(self, name: str) -> Scenario:
        if name not in self.saved:
            raise ScenarioError(f"There is no saved scenario '{name}'. {did_you_mean(name, self.saved)}".strip())
        return self.saved[name]


def attaining(found: Outcome) -> tuple[float, int]:
    """Return how many reps are expected to attain, and how many have a quota above 0."""
    chances = found.reps.p_attain.to_numpy(float)
    return float(np.nansum(chances)), int(np.isfinite(chances).sum())
