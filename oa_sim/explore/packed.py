"""Packed: figures in the digits they are printed with, as a few bytes of text that a page can read.

A number is kept as a whole number of small parts of its last printed digit, moved by less than one part where that is
needed for the page to print what Python prints. Near numbers are kept as their differences, which deflate well.
"""

import base64
import zlib

import numpy as np

MOST_DECIMALS, FEWEST_DECIMALS = 3, -9
MOVED = 10  # added to the decimals, so that a byte holds them
# parts of a printed digit, and of one that stands for a whole unit or more, where few would show as steps in a curve
PARTS, MANY_PARTS = 4, 40
NOT_KNOWN = 255  # stands for the decimals of a number that is not there
LOW, MEDIAN, HIGH = 1, 3, 5  # where the ends of the 90 % interval and the median stand among the statistics


def decimals(figures: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Return how many decimals each figure has, as ``published.decimals`` has it; ``NOT_KNOWN`` where there is none.

    Parameters
    ----------
    figures : array (..., statistic)
        Mean, then the quantiles 5, 25, 50, 75 and 95 %.
    error : array (...)
        Monte Carlo standard error of the mean.
    """
    width = figures[..., HIGH] - figures[..., LOW]
    with np.errstate(divide="ignore", invalid="ignore"):
        places = np.where((width >= 1) | (width == 0), 1, np.where(width >= 0.1, 2, MOST_DECIMALS))
        places = np.where(width >= 100, 1 - np.floor(np.log10(width / 2)), places)
    for _ in range(MOST_DECIMALS - FEWEST_DECIMALS):
        places = np.where((10.0**-places < error) & (places > FEWEST_DECIMALS), places - 1, places)
    return np.where(np.isfinite(width), places, NOT_KNOWN).astype(int)


def in_parts(figures: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return figures (..., statistic) as whole parts of the last of their decimals (...), 0 where there is none."""
    scale = 10.0 ** np.where(places == NOT_KNOWN, 0, places)[..., None]
    parts = parts_of(places)[..., None]
    known = np.where((places == NOT_KNOWN)[..., None] | ~np.isfinite(figures), 0.0, figures) * scale
    printed = parts * np.rint(known)
    return np.clip(np.rint(known * parts), printed - parts // 2, printed + parts // 2 - 1).astype(np.int64)


def parts_of(places: np.ndarray) -> np.ndarray:
    """Return into how many parts the last printed digit is divided."""
    return np.where(places <= 0, MANY_PARTS, PARTS)


def packed(figures: dict[str, np.ndarray], error: dict[str, np.ndarray]) -> dict:
    """Return projection, counterfactual and impact as text.

    What would have happened anyway is kept once for all scenarios that share it. The projection is kept as what it adds
    to it where both have the same decimals, the impact as distances from its median.

    Parameters
    ----------
    figures : arrays (scenario, place, group, measure, year, statistic)
        By quantity; NaN where there is none.
    error : arrays (scenario, place, group, measure, year)
        The Monte Carlo standard error of each mean.

    Returns
    -------
    dict
        ``counterfactual``, ``projection``, ``impact``: each ``numbers`` and ``decimals``, in the order statistic,
        place, group, measure, year, scenario; ``shared``, which counterfactual is each scenario's.
    """
    first, which = _distinct(figures["counterfactual"])
    anyway_places = decimals(figures["counterfactual"][first], error["counterfactual"][first])
    places, change_places = (decimals(figures[name], error[name]) for name in ("projection", "impact"))
    anyway, change = (
        in_parts(figures["counterfactual"][first], anyway_places),
        in_parts(figures["impact"], change_places),
    )
    same = (places == anyway_places[which])[..., None]
    added = in_parts(figures["projection"], places) - np.where(same, anyway[which], 0)
    others = [i for i in range(change.shape[-1]) if i != MEDIAN]
    change[..., others] -= change[..., [MEDIAN]]
    return {
        "shared": which.tolist(),
        "counterfactual": _part(anyway, anyway_places),
        "projection": _part(added, places),
        "impact": _part(change, change_places),
    }


def _distinct(arrays: np.ndarray) -> tuple[list[int], np.ndarray]:
    """Return where the different ones among arrays (scenario, ...) first stand, and which of them each is."""
    seen: dict[bytes, int] = {}
    which = np.array([seen.setdefault(array.tobytes(), len(seen)) for array in arrays])
    return [int(np.flatnonzero(which == i)[0]) for i in range(len(seen))], which


def _part(numbers: np.ndarray, places: np.ndarray) -> dict[str, str]:
    by_statistic = np.moveaxis(np.moveaxis(numbers, -1, 0), 1, -1)  # neighbours of one scenario are like another's
    moved = np.where(places == NOT_KNOWN, NOT_KNOWN, places + MOVED).astype(np.uint8)
    return {"numbers": _whole(by_statistic), "decimals": _text(np.moveaxis(moved, 0, -1).tobytes())}


def _whole(numbers: np.ndarray) -> str:
    """Return whole numbers as text: sign in the last bit, then all lowest bytes, all second bytes and so on."""
    folded = ((numbers << 1) ^ (numbers >> 63)).astype("<u4")
    return _text(np.ascontiguousarray(folded).ravel().view(np.uint8).reshape(-1, 4).T.tobytes())


def _text(plain: bytes) -> str:
    return base64.b64encode(zlib.compress(plain, 9)).decode("ascii")
