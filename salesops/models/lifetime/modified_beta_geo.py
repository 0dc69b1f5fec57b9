"""MBG/NBD: like BG/NBD, but customers may leave after their first purchase too.

Batislam, Denizel and Filiztekin, International Journal of Research in Marketing 24 (2007); Wagner and Hoppe (2008).
"""

from __future__ import annotations

from salesops.models.lifetime.beta_geo import BetaGeoNBD
from salesops.models.lifetime.rows import Vector


class ModifiedBetaGeoNBD(BetaGeoNBD):
    """MBG/NBD model of repeat purchases, the default here.

    While alive a customer buys at random at a rate λ per time unit; after each purchase, the first included, the
    customer leaves for ever with probability p. Over customers λ is gamma(r, alpha) and p beta(a, b). So who bought
    once can have left, which BG/NBD denies. Everything else is as in `BetaGeoNBD`, with b + x + 1 for b + x.

    Parameters
    ----------
    max_iter : int
        Most steps of a fit.
    tol : float
        A fit ends where a step changes no parameter by more than this fraction.

    Attributes
    ----------
    params_ : dict
        r (no unit), alpha (time units), a, b (no unit).
    """

    def _chances(self, x: Vector) -> Vector:
        return x + 1
