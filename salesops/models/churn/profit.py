"""What an action against churn is expected to bring, and what it would have brought."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Vector = NDArray[np.float64]

SAVE_RATE = 0.3
CONTACT_COST = 1.0
INCENTIVE = 30.0


def expected_profit(
    p: ArrayLike,
    value: ArrayLike,
    *,
    save_rate: float = SAVE_RATE,
    contact_cost: float = CONTACT_COST,
    incentive: float = INCENTIVE,
) -> Vector:
    """Return the expected profit of acting on each client (Neslin and others, 2006; Verbeke and others, 2012).

    Formula: p·[γ(CLV − d) − f] − (1 − p)(d + f). A client who would leave is kept with chance γ and then gets the
    incentive; a client who would stay takes the incentive as well.

    Parameters
    ----------
    p : array_like
        Chance to be lost (0–1).
    value : array_like
        CLV: what keeping the client is worth (money).
    save_rate : float
        γ: share of those about to leave whom the action keeps (0–1). An assumption until a test gives an estimate.
    contact_cost : float
        f: money for each client contacted.
    incentive : float
        d: money for each client who takes the offer.

    Returns
    -------
    numpy.ndarray
        Money; NaN where p or value is.
    """
    chance, worth = np.asarray(p, dtype=float), np.asarray(value, dtype=float)
    saved: Vector = chance * (save_rate * (worth - incentive) - contact_cost)
    stayed: Vector = (1 - chance) * (incentive + contact_cost)
    return saved - stayed


def realised_profit(
    churned: ArrayLike,
    value: ArrayLike,
    *,
    save_rate: float = SAVE_RATE,
    contact_cost: float = CONTACT_COST,
    incentive: float = INCENTIVE,
) -> Vector:
    """Return what acting on each client would have brought, now that it is known who was lost: the formula at p = 0, 1.

    Columns and units as in `expected_profit`; `churned` is boolean.
    """
    return expected_profit(
        np.asarray(churned, dtype=float),
        value,
        save_rate=save_rate,
        contact_cost=contact_cost,
        incentive=incentive,
    )
