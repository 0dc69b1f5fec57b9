"""Results as plain values, fit for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

FINE, COARSE = 6, 4  # decimals: beyond the first, sums differ with the order of adding; fits beyond the second


def plain(row: Mapping[Any, Any], *, decimals: int = COARSE) -> dict[str, Any]:
    """Return a row with its values as `plain_value` gives them."""
    return {str(key): plain_value(value, decimals=decimals) for key, value in row.items()}


def plain_value(value: Any, *, decimals: int = COARSE) -> Any:
    """Turn a numpy value into a plain one, rounded, a day into ISO text, and what is missing or infinite into None."""
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, date):
        return value.isoformat()[:10]
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float):
        return round(value, decimals) if np.isfinite(value) else None
    return value
