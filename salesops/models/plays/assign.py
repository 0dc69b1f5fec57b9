"""One play for each client, with its reason."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from string import Formatter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops import words
from salesops.book.finding import Finding
from salesops.book.playbook import CLIENT_COLUMNS, ClientColumn, Condition, Override, Play, Playbook
from salesops.book.playbook.read import FILE
from salesops.errors import BookError, did_you_mean, first_few
from salesops.models.plays.hold_out import held_out

Mask = NDArray[np.bool_]
MISSING = "unknown"


@dataclass(frozen=True)
class Plays:
    """What each client gets.

    Attributes
    ----------
    table : pandas.DataFrame
        One row a client, in the order of the clients: account_id, play_id, play_name, arm (play, hold-out or
        override), channel, cadence_days (from contact to contact), offer, owner (who acts), stop, stop_after,
        why (with the client's own numbers), also (ids of the later plays that match too, joined by ", ";
        the catch-all is not named), override_reason ("" without one).
        A client in the arm hold-out is left alone: channel "none".
    findings : tuple of Finding
        Plays that nobody matches, plays that ask for what is not known, overrides that name no client.
    """

    table: pd.DataFrame
    findings: tuple[Finding, ...]


def assign_plays(
    playbook: Playbook,
    clients: pd.DataFrame,
    *,
    as_of: date,
    overrides: Sequence[Override] = (),
    currency: str = "",
) -> Plays:
    """Give each client the first play whose conditions it meets, or the one that a person chose.

    Parameters
    ----------
    clients : pandas.DataFrame
        account_id and any of CLIENT_COLUMNS, one row a client, as `client_table` gives it. A column that is
        absent counts as not known for everyone.
    as_of : date
        The day: overrides that ended before it no longer count.
    currency : str
        The currency of the clients' money, for the sentences.

    Raises
    ------
    BookError
        If a client stands twice, or the last play does not take every client.
    """
    _check(playbook, clients)
    matches = np.array([_matches(play, clients) for play in playbook.plays]).reshape(len(playbook.plays), -1)
    first = matches.argmax(axis=0)
    chosen, reasons = _overridden(playbook, clients, first, [o for o in overrides if o.holds(as_of)])
    arm = _arms(playbook, clients, chosen, reasons)
    parts = [
        _rows(play, clients[chosen == place], arm[chosen == place], currency)
        for place, play in enumerate(playbook.plays)
        if (chosen == place).any()
    ]
    columns = pd.concat(parts).loc[clients.index] if parts else _rows(playbook.plays[-1], clients, arm, currency)
    table = columns.assign(also=_also(playbook, matches, chosen), override_reason=reasons)
    findings = [*_unmatched(playbook, clients, first), *_strangers(clients, overrides)]
    return Plays(table.reset_index(drop=True), tuple(findings))


def _check(playbook: Playbook, clients: pd.DataFrame) -> None:
    if "account_id" not in clients.columns:
        hint = did_you_mean("account_id", [str(name) for name in clients.columns])
        raise BookError(f"The client table has no column 'account_id'. {hint}")
    twice = clients.account_id[clients.account_id.duplicated()]
    if len(twice):
        raise BookError(
            f"The client table names {len(twice):,} of {len(clients):,} clients more than once "
            f"(first: {first_few(twice)}). Keep one row a client."
        )
    if not playbook.plays or playbook.plays[-1].when:
        raise BookError("The last play must take every client. Add a last play without conditions.")


def _matches(play: Play, clients: pd.DataFrame) -> Mask:
    passed = np.ones(len(clients), dtype=bool)
    for condition in play.when:
        passed &= _meets(condition, clients)
    return passed


def _meets(condition: Condition, clients: pd.DataFrame) -> Mask:
    """Tell which clients meet a condition: `Condition.holds` on a whole column."""
    if condition.column not in clients.columns:
        return np.full(len(clients), condition.known is False)
    values = clients[condition.column]
    known = values.notna().to_numpy(dtype=bool)
    if condition.known is not None:
        return np.asarray(known == condition.known)
    if condition.one_of:
        return np.asarray(known & values.isin(condition.one_of).to_numpy(dtype=bool))
    return np.asarray(known & _within(condition, values))


def _within(condition: Condition, values: pd.Series) -> Mask:
    numbers = pd.to_numeric(values).to_numpy(dtype=float, na_value=np.nan)
    passed = np.asarray(~np.isnan(numbers))
    for name, compare in _COMPARE.items():
        bound = getattr(condition, name)
        if bound is not None:
            passed &= compare(numbers, bound)
    return passed


_COMPARE = {"at_least": np.greater_equal, "above": np.greater, "at_most": np.less_equal, "below": np.less}


def _overridden(
    playbook: Playbook, clients: pd.DataFrame, first: NDArray[np.int64], overrides: Sequence[Override]
) -> tuple[NDArray[np.int64], list[str]]:
    places = {play.id: place for place, play in enumerate(playbook.plays)}
    wanted = {override.account_id: override for override in overrides if override.play_id in places}
    chosen, reasons = first.copy(), [""] * len(clients)
    for row, account in enumerate(clients.account_id) if wanted else ():
        if account in wanted:
            chosen[row] = places[wanted[account].play_id]
            reasons[row] = f"{wanted[account].reason} ({wanted[account].decided_by})"
    return chosen, reasons


def _arms(playbook: Playbook, clients: pd.DataFrame, chosen: NDArray[np.int64], reasons: list[str]) -> NDArray[np.str_]:
    arm = np.full(len(clients), "play", dtype="<U8")
    for place, play in enumerate(playbook.plays):
        mine = np.flatnonzero(chosen == place)
        alone = held_out(clients.account_id.iloc[mine], play.id, play.hold_out)
        arm[mine[alone]] = "hold-out"
    # a person who decides about a client decides against chance
    arm[[bool(reason) for reason in reasons]] = "override"
    return arm


def _rows(play: Play, clients: pd.DataFrame, arm: NDArray[np.str_], currency: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "account_id": clients.account_id,
            "play_id": play.id,
            "play_name": play.name,
            "arm": arm,
            "channel": np.where(arm == "hold-out", "none", play.channel),
            "cadence_days": _cadence(play, clients),
            "offer": fill(play.offer, clients, currency=currency),
            "owner": play.owner,
            "stop": fill(play.stop, clients, currency=currency),
            "stop_after": play.stop_after,
            "why": fill(play.why, clients, currency=currency),
        },
        index=clients.index,
    )


def _cadence(play: Play, clients: pd.DataFrame) -> NDArray[np.float64]:
    """Return days from contact to contact: a multiple of the own median gap, between floor and ceiling."""
    if "median_gap" not in clients.columns:
        return np.full(len(clients), play.ceiling_days, dtype=float)
    gap = clients.median_gap.to_numpy(dtype=float, na_value=np.nan)
    days = np.clip(np.round(gap * play.cadence), play.floor_days, play.ceiling_days)
    return np.where(np.isnan(days), play.ceiling_days, days)


def _also(playbook: Playbook, matches: NDArray[np.bool_], chosen: NDArray[np.int64]) -> list[str]:
    ids = np.array([play.id for play in playbook.plays[:-1]], dtype=object)
    others = matches[:-1].copy()
    inner = np.flatnonzero(chosen < len(ids))
    others[chosen[inner], inner] = False
    return [", ".join(ids[column]) for column in others.T]


def _unmatched(playbook: Playbook, clients: pd.DataFrame, first: NDArray[np.int64]) -> Iterator[Finding]:
    counts = np.bincount(first, minlength=len(playbook.plays))
    for place, play in enumerate(playbook.plays[:-1]):
        if counts[place]:
            continue
        reason, repair = _why_nobody(play, clients)
        yield Finding(FILE, "play used", "warning", f"nobody gets play '{play.id}': {reason}", repair)


def _why_nobody(play: Play, clients: pd.DataFrame) -> tuple[str, str]:
    """Say which condition keeps everyone out, or that earlier plays take all its clients."""
    for condition in play.when:
        if _meets(condition, clients).any():
            continue
        column = condition.column
        if column not in clients.columns or clients[column].isna().all():
            meaning = CLIENT_COLUMNS[column].meaning
            return f"{column} is not known of any client", f"It means: {meaning}. Add its source, or remove the play."
        if condition.one_of:
            found = [str(value) for value in clients[column].dropna().unique()]
            return f"no client has {column} {condition.one_of[0]}", did_you_mean(str(condition.one_of[0]), found)
        return f"no client meets its condition on {column}", "Correct the condition, or remove the play."
    if _matches(play, clients).any():
        return "earlier plays take all its clients", "Move it up, or remove it."
    return "no client meets all its conditions", "Correct the conditions, or remove the play."


def _strangers(clients: pd.DataFrame, overrides: Sequence[Override]) -> Iterator[Finding]:
    known = set(clients.account_id)
    unknown = [override.account_id for override in overrides if override.account_id not in known]
    if unknown:
        found = f"{'names' if len(unknown) == 1 else 'name'} no client of this day"
        yield Finding(
            "overrides.csv", "client known", "warning", found, "Correct account_id.",
            len(unknown), len(overrides), tuple(unknown[:3]),
        )  # fmt: skip  # one finding reads as one row


def fill(template: str, clients: pd.DataFrame, *, currency: str = "") -> list[str]:
    """Return the sentence of each client: {column} becomes its value as pages show it; "unknown" where missing.

    Money has three figures and the currency ("1.23 k EUR"), shares are in percent, a date reads "31 Oct 2026", and
    all else is in whole units.
    """
    parts = [(before, name) for before, name, _, _ in Formatter().parse(template)]
    if not any(name for _, name in parts):
        return ["".join(before for before, _ in parts)] * len(clients)
    columns = [_texts(name, clients, currency) if name else [""] * len(clients) for _, name in parts]
    return [
        "".join(before + value for (before, _), value in zip(parts, values, strict=True))
        for values in zip(*columns, strict=True)
    ]


def _texts(name: str, clients: pd.DataFrame, currency: str) -> list[str]:
    if name not in clients.columns:
        return [MISSING] * len(clients)
    show = _form(CLIENT_COLUMNS[name], currency)
    values = clients[name]
    return [show(value) if known else MISSING for value, known in zip(values, values.notna(), strict=True)]


def _form(column: ClientColumn, currency: str) -> Callable[[Any], str]:
    if column.kind == "date":
        return words.day
    if column.kind == "flag":
        return lambda value: "yes" if value else "no"
    if column.kind == "text":
        return str
    if column.unit == "money":
        return lambda value: words.money(value, currency=currency) if math.isfinite(value) else MISSING
    if column.unit == "fraction 0–1":
        return words.percent
    return _ratio if column.unit == "own gaps" else _whole


def _whole(value: float) -> str:
    return words.number(value) if math.isfinite(value) else MISSING


def _ratio(value: float) -> str:
    return words.number(value, decimals=1) if math.isfinite(value) else "many"
