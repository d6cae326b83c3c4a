"""Explorer: a view in, one page of HTML out in which a reader chooses, compares and reads for themselves.

The page needs no server and no network, and says so to the browser, which then refuses both. Labels reach it as data
and never as markup, so no name of a scenario or an area can do anything but be read.
"""

import base64
import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from html import escape
from importlib.resources import files

import numpy as np
import xarray as xr

from oa_sim.definitions import FAVOURITE, GROUPS, MEASURES, QUANTITIES
from oa_sim.explore import packed
from oa_sim.explore.views import DIMS, STATISTICS, View
from oa_sim.inference import posterior_files

HERE = files(__package__)
BODY, STYLE = HERE / "explorer.html", HERE / "explorer.css"
SCRIPTS = ("explorer_data", "explorer_chart", "explorer", "explorer_controls")
UNSAFE = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}
WHOSE = {"disadvantaged": "disadvantaged pupils", "other": "other pupils", "all": "all pupils"}
POLICY = (
    "default-src 'none'; script-src {scripts}; style-src {styles}; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)


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
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_suffix(f".{os.getpid()}.part")
        part.write_text(made, encoding="utf-8")
        os.replace(part, place)
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
        "figures": packed.packed(*_arrays(figures)),
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
