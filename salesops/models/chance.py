"""What share of reps would make their goal by chance alone, if every quota were exactly right."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

GRID = 2**13
SPREAD = 8.0


def chance_of_attaining(amounts: ArrayLike, deals: float) -> float:
    """Return P(total ≥ expected total) when deals come at random.

    The number of deals is Poisson with mean `deals`; each amount is drawn from `amounts`. With few or lumpy
    deals this is below one half, although the quota is exactly the expected total. Computed by the fast
    Fourier transform of the compound Poisson distribution on a grid; the error is below .005.

    Parameters
    ----------
    amounts : array-like
        Amounts of won deals or orders (money). Those that are not positive are passed over.
    deals : float
        Mean number of them for each rep and period.

    Returns
    -------
    float
        NaN without amounts or deals.
    """
    values = np.asarray(amounts, dtype=float)
    values = values[np.isfinite(values) & (values > 0)]
    if len(values) == 0 or not deals > 0:
        return float("nan")
    mean = deals * values.mean()
    top = mean + SPREAD * np.sqrt(deals * np.mean(values**2)) + values.max()
    step = top / GRID
    transform = np.fft.rfft(_on_grid(values, step))
    totals = np.fft.irfft(np.exp(deals * (transform - 1)), GRID)
    # a total that equals the mean may lie a few cells below it, because each amount is spread over two
    reached = max(0, int(mean / step) - 3)
    return float(np.clip(totals[reached:].sum(), 0, 1))


def _on_grid(values: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """Spread each amount over the two nearest cells so that its mean stays."""
    place = values / step
    low = np.floor(place).astype(int)
    weight = place - low
    cells = np.bincount(low, 1 - weight, GRID) + np.bincount(low + 1, weight, GRID)
    density: NDArray[np.float64] = cells / len(values)
    return density
