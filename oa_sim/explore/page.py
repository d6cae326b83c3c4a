"""Page: a view in, one page of HTML out in which a reader chooses, compares and reads for themselves.

The page needs no server and no network, and says so to the browser, which then refuses both. Labels reach it as data
and never as markup, so no name of a scenario or an area can do anything but be read.

Figures are in the digits they are printed with. A number is kept as a whole number of small parts of its last printed
digit, moved by less than one part where that is needed for the page to print what Python prints. Near numbers are kept
as their differences, which deflate well.
"""

import base64
import hashlib
import json
import zlib
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from html import escape
from importlib.resources import files

import numpy as np
import xarray as xr

from oa_sim import formatting
from oa_sim.atomic_write import write_file
from oa_sim.definitions import FAVOURITE, GROUPS, MEASURES, QUANTITIES
from oa_sim.explore.views import DIMS, STATISTICS, View
from oa_sim.inference import posterior_files

MOST_DECIMALS, FEWEST_DECIMALS = 3, -9
MOVED = 10  # added to the decimals, so that a byte holds them
# parts of a printed digit, and of one that stands for a whole unit or more, where few would show as steps in a curve
PARTS, MANY_PARTS = 4, 40
NOT_KNOWN = 255  # stands for the decimals of a number that is not there
LOW, MEDIAN, HIGH = 1, 3, 5  # where the ends of the 90% interval and the median stand among the statistics
HERE = files(__package__)
BODY, STYLE = HERE / "explorer.html", HERE / "explorer.css"
SCRIPTS = ("explorer_data", "explorer_chart", "explorer", "explorer_controls")
UNSAFE = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}
WHOSE = {"disadvantaged": "disadvantaged pupils", "other": "other pupils", "all": "all pupils"}
POLICY = (
    "default-src 'none'; script-src {scripts}; style-src {styles}; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)


def decimals(figures: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Return how many decimals each figure has, by ``formatting.decimals``; ``NOT_KNOWN`` where there is none.

    Parameters
    ----------
    figures : array (..., statistic)
        Mean, then the quantiles 5, 25, 50, 75 and 95%.
    error : array (...)
        Monte Carlo standard error of the mean.
    """
    width = figures[..., HIGH] - figures[..., LOW]
    places = formatting.decimals(figures[..., LOW], figures[..., HIGH], error)
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


def page(view: View, title: str) -> str:
    """Return a page to explore a view.

    Parameters
    ----------
    view
        From ``views.of_results`` or ``views.of_sweep``.
    title
        What the page is about; any text.

    Returns
    -------
    str
        One whole HTML file. The same view gives the same bytes.
    """
    style = STYLE.read_text(encoding="utf-8")
    own = "".join((HERE / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    scripts = (library(), _closed(own))
    policy = POLICY.format(scripts=" ".join(map(_seal, scripts)), styles=_seal(style))
    body = BODY.read_text(encoding="utf-8").replace("{{title}}", escape(title))
    return (
        f'<!DOCTYPE html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{escape(title)}</title>\n<link rel="icon" href="data:,">\n<style>{style}</style>\n</head>\n<body>\n'
        f'{body}<script type="application/json" id="view">{_as_data(view, title)}</script>\n'
        f"<script>{scripts[0]}</script>\n<script>{scripts[1]}</script>\n</body>\n</html>\n"
    )


@cache
def library() -> str:
    """Return the chart library as one script that loads nothing."""
    from importlib.metadata import version

    place = (
        posterior_files.cache_folder() / f"explorer-{version('vl-convert-python')}.js"
    )  # to put it together takes a second
    if place.is_file():
        return place.read_text(encoding="utf-8")
    import vl_convert  # only a page to explore needs it

    made = _closed(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))
    with suppress(OSError):  # where nothing can be kept it is put together again
        write_file(place, made)
    return made


def _closed(script: str) -> str:
    """Return a script whose names are its own, since those of a library and of a page are often the same."""
    return f"(() => {{\n{script}\n}})();\n"


def _seal(text: str) -> str:
    """Return the name by which the browser knows a script or style that may act."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _as_data(view: View, title: str) -> str:
    """Return a view as JSON that no reader of HTML takes for markup."""
    figures = view.figures
    measures = figures.measure.values.tolist()
    told = {
        "title": title,
        "favourite": FAVOURITE[0],
        "keys": view.keys,
        "cases": [asdict(case) for case in view.cases],
        "places": figures.place.values.tolist(),
        "groups": [{"name": name, "label": WHOSE[name], "meaning": meaning} for name, meaning in GROUPS.items()],
        "measures": [_measure(name) for name in measures],
        "years": figures.year.values.tolist(),
        "past_years": figures.history_year.values.tolist(),
        "past": _published(figures.history.values),
        "proxy": (figures.proxy.values == 1).astype(int).tolist(),
        "breaks": view.breaks,
        "statistics": list(STATISTICS),
        "figures": packed(*_arrays(figures)),
    }
    return json.dumps(told, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(UNSAFE)


def _arrays(figures: xr.Dataset) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the figures and their Monte Carlo errors as plain arrays, by quantity."""
    error = figures.error.transpose("quantity", *DIMS[:-1]).values.astype(float)
    return (
        {name: figures[name].transpose(*DIMS).values.astype(float) for name in QUANTITIES},
        dict(zip(QUANTITIES, error, strict=True)),
    )


def _measure(name: str) -> dict:
    about = MEASURES[name]
    return {
        "name": name,
        "label": about.label,
        "unit": about.unit,
        "change": "percentage points" if about.unit == "%" else about.unit,
        "lower_is_better": about.lower_is_better,
        "groups": list(about.table_groups),
    }


def _published(history: np.ndarray) -> list:
    """Return what was published (place, group, measure, history_year) as it is printed, None where nothing was."""
    most = np.abs(np.where(np.isfinite(history), history, 0.0)).max(axis=-1, keepdims=True)
    places = np.broadcast_to(np.where(most < 10, 2, 1), history.shape)
    flat = [
        f"{value:.{digits}f}" if np.isfinite(value) else None
        for value, digits in zip(history.ravel().tolist(), places.ravel().tolist(), strict=True)
    ]
    return np.array(flat, dtype=object).reshape(history.shape).tolist()
