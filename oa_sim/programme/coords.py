"""Labels: the coordinates that many datasets of a process share, made once."""

from functools import lru_cache

import xarray as xr

KEPT = 256  # sets of labels: a sweep over areas, endings and horizons has as many


def coordinates(**labels: list) -> xr.Coordinates:
    """Return the coordinates of some dimensions, each with an index of its own.

    Making indexes takes longer than all else that makes a small dataset. A dataset that is given these copies what it
    may change, and indexes never change.

    Parameters
    ----------
    labels
        By dimension, in the order in which a dataset has them.
    """
    return _made(tuple((dim, tuple(given)) for dim, given in labels.items()))


@lru_cache(KEPT)
def _made(labels: tuple[tuple[str, tuple], ...]) -> xr.Coordinates:
    return xr.Dataset(coords={dim: list(given) for dim, given in labels}).coords
