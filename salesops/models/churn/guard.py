"""The guard against leaks: features know nothing that came after the cut at which they are judged."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from salesops.errors import LeakError, first_few
from salesops.models.ranking import auc

SUSPICIOUS = 0.98
FEWEST = 30


def check_no_leak(table: pd.DataFrame) -> None:
    """Raise if features know something that came after their cut.

    Features of one's own are checked in the same way as ours: say of each row until when its values were known.
    Features computed once at the end of the data, and joined to earlier cuts, are refused by this.

    Parameters
    ----------
    table : pandas.DataFrame
        A row a unit, with `cut` and `known_until` (dates): the last day on which anything happened, or became
        known, that went into the row. A column `X_known_until` says it of column X alone.

    Raises
    ------
    LeakError
        If a column is missing, a day is unknown, or one lies after its cut.
    """
    lacking = [name for name in ("cut", "known_until") if name not in table]
    if lacking:
        raise LeakError(
            f"Features need the columns cut and known_until; {', '.join(lacking)} not found. "
            "Say of each row when it is judged, and until when its values were known."
        )
    cut = pd.to_datetime(table["cut"])
    for name in [str(name) for name in table if str(name).endswith("known_until")]:
        _check(table, cut, name)


def suspicious(table: pd.DataFrame, names: Iterable[str], churned: pd.Series) -> dict[str, float]:
    """Return the features that tell lost from kept all but perfectly, each alone, with their ROC-AUC.

    A date that says too little, or a column of one's own without one, passes `check_no_leak`; what then knows the
    future shows here. It may also be a rule of the business, so it is told and not refused.

    Parameters
    ----------
    names : iterable of str
        Numeric features.
    churned : pandas.Series
        Labels (0, 1) of the rows; NaN where not yet known.

    Returns
    -------
    dict
        Feature → ROC-AUC in either direction, where it is SUSPICIOUS or more and FEWEST rows have a value.
    """
    known = churned.notna().to_numpy()
    found = {}
    for name in names:
        values = pd.to_numeric(table[name], errors="coerce").to_numpy(float, na_value=np.nan)
        seen = known & ~np.isnan(values)
        if seen.sum() < FEWEST:
            continue
        area = auc(values[seen], churned[seen].astype(bool).to_numpy())
        if max(area, 1 - area) >= SUSPICIOUS:
            found[name] = max(area, 1 - area)
    return found


def _check(table: pd.DataFrame, cut: pd.Series, name: str) -> None:
    until = pd.to_datetime(table[name])
    unknown, late = until.isna(), until > cut
    of = "features" if name == "known_until" else f"'{name.removesuffix('_known_until')}'"
    if unknown.any():
        raise LeakError(
            f"{of}: {int(unknown.sum()):,} of {len(table):,} rows do not say until when they were known "
            f"(first: {first_few(table.index[unknown])}). Fill {name}."
        )
    if late.any():
        worst = int((until - cut).dt.days.max())
        raise LeakError(
            f"{of}: {int(late.sum()):,} of {len(table):,} rows know something that came up to {worst:,} days after "
            f"their cut (first: {first_few(table.index[late])}). Compute them from as_known(book, cut)."
        )
