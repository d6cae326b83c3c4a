"""Page: the HTML of both explorers, the offline one with all its figures inside and the live one with levers.

Both are drawn by the same scripts from the same template; they differ in where figures come from. The offline page
needs no server and no network, and its content security policy refuses both. Labels reach it as data and never as
markup, so no name of a scenario or an area can act.

Python decides how many decimals a figure has. A figure is stored as a whole number of parts of its last printed digit,
moved by less than a part where the page would otherwise print another digit than Python does.
"""

import base64
import hashlib
import json
import zlib
from dataclasses import asdict
from functools import cache
from importlib.resources import files

import numpy as np
import xarray as xr
from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from oa_sim import formatting
from oa_sim.definitions import FAVOURITE, GROUPS, MEASURES, QUANTITIES
from oa_sim.explore.views import DIMS, KINDS, View

PARTS = 10  # parts of the last printed digit; fewer would show as steps in a curve
NOT_KNOWN = 127  # stands for the decimals of a figure that is not there
LOW, MEDIAN, HIGH = 1, 3, 5  # where the ends of the 90% interval and the median stand among the statistics
SHARED_SCRIPTS = ("explorer_data", "explorer_chart", "explorer")
UNSAFE = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}
PUPILS = {"disadvantaged": "disadvantaged pupils", "other": "other pupils", "all": "all pupils"}
POLICY = (
    "default-src 'none'; script-src {script}; style-src {style}; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)


def decimals(figures: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Return how many decimals each figure has (..., statistic), ``NOT_KNOWN`` where there is none.

    The statistics are those of ``views.STATISTICS``; the error (...) is that of the mean.
    """
    width = figures[..., HIGH] - figures[..., LOW]
    places = formatting.decimals(figures[..., LOW], figures[..., HIGH], error)
    return np.where(np.isfinite(width), places, NOT_KNOWN).astype(int)


def in_parts(figures: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return figures (..., statistic) as whole parts of the last of their decimals (...), 0 where there is none."""
    scale = 10.0 ** np.where(places == NOT_KNOWN, 0, places)[..., None]
    scaled = np.where((places == NOT_KNOWN)[..., None] | ~np.isfinite(figures), 0.0, figures) * scale
    digits = PARTS * np.rint(scaled)
    return np.clip(np.rint(scaled * PARTS), digits - PARTS // 2, digits + PARTS // 2 - 1).astype(np.int64)


def packed(figures: np.ndarray, error: np.ndarray) -> dict[str, str]:
    """Return one quantity of all scenarios, with the dims of ``views.DIMS``, as text: deflated bytes in base64.

    ``numbers`` are the distances from the median and the median itself, in the order statistic, place, group, measure,
    year, scenario, since neighbours that are alike deflate well; ``decimals`` are in the same order.
    """
    places = decimals(figures, error)
    numbers = in_parts(figures, places)
    others = [i for i in range(numbers.shape[-1]) if i != MEDIAN]
    numbers[..., others] -= numbers[..., [MEDIAN]]
    ordered = np.moveaxis(np.moveaxis(numbers, -1, 0), 1, -1)
    folded = ((ordered << 1) ^ (ordered >> 63)).astype("<u4")  # the sign in the last bit
    by_byte = np.ascontiguousarray(folded).ravel().view(np.uint8).reshape(-1, 4).T  # all lowest bytes first
    return {"numbers": _text(by_byte.tobytes()), "decimals": _text(np.moveaxis(places, 0, -1).astype("i1").tobytes())}


def _text(plain: bytes) -> str:
    return base64.b64encode(zlib.compress(plain, 9)).decode("ascii")


def page(view: View, title: str) -> str:
    """Return the offline page of a view: one whole HTML file, the same bytes for the same view."""
    figures, style = view.figures, _asset("explorer.css")
    error = figures.error.transpose("quantity", *DIMS[:-1]).values.astype(float)
    data = labels(view) | {
        "title": title,
        "cases": [asdict(case) for case in view.cases],
        "years": figures.year.values.tolist(),
        "figures": {
            name: packed(figures[name].transpose(*DIMS).values.astype(float), error[i])
            for i, name in enumerate(QUANTITIES)
        },
    }
    script = _script("explorer_controls")
    policy = POLICY.format(script=_digest(script), style=_digest(style))
    return _template().render(
        is_live=False, title=title, policy=Markup(policy), style=Markup(style), script=script, data=as_json(data)
    )


def live_page(view: View, title: str, **levers: object) -> str:
    """Return the page that a server with levers sends first: places, measures and published figures of a view.

    ``levers`` are what the template asks for: ``selects``, ``horizon``, ``money``, ``saves_to``; and the script:
    ``start``, ``notes``.
    """
    data = labels(view) | {"title": title, "cases": [], "years": []}
    data |= {name: levers.pop(name) for name in ("start", "notes")}
    return _template().render(
        is_live=True, title=title, style=Markup(_asset("explorer.css")), script=_script("live"), data=as_json(data),
        **levers,
    )  # fmt: skip


def live_figures(figures: xr.Dataset) -> dict[str, dict[str, list]]:
    """Return the figures of one place, group and measure (year, statistic) as a message takes them; see ``views``."""
    message = {}
    for i, name in enumerate(QUANTITIES):
        values = figures[name].transpose("year", "statistic").values.astype(float)
        places = decimals(values, figures.error.values[i])
        message[name] = {"parts": in_parts(values, places).tolist(), "decimals": places.tolist()}
    return message


def as_json(data: dict) -> Markup:
    """Return data as JSON that no reader of HTML takes for markup."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(UNSAFE))


def labels(view: View) -> dict:
    """Return all that a page says of a view but its projections."""
    figures = view.figures
    return {
        "favourite": FAVOURITE[0],
        "keys": view.keys,
        "places": figures.place.values.tolist(),
        "groups": [{"name": name, "label": PUPILS[name], "meaning": meaning} for name, meaning in GROUPS.items()],
        "measures": [_measure(name) for name in figures.measure.values.tolist()],
        "past_years": figures.history_year.values.tolist(),
        "past": _published(figures.history.values),
        **{name: (figures[name].values == 1).astype(int).tolist() for name in KINDS},
        "breaks": view.breaks,
    }


def _measure(name: str) -> dict:
    measure = MEASURES[name]
    return {
        "name": name,
        "label": measure.label,
        "unit": measure.unit,
        "change": formatting.unit(name),
        "lower_is_better": measure.lower_is_better,
        "groups": list(measure.table_groups),
    }


def _published(history: np.ndarray) -> list:
    """Return published figures (place, group, measure, history_year) as they are printed, None where there is none."""
    largest = np.abs(np.where(np.isfinite(history), history, 0.0)).max(axis=-1, keepdims=True)
    places = np.broadcast_to(np.where(largest < 10, 2, 1), history.shape)
    texts = [
        formatting.number(value, digits) if np.isfinite(value) else None
        for value, digits in zip(history.ravel().tolist(), places.ravel().tolist(), strict=True)
    ]
    return np.array(texts, dtype=object).reshape(history.shape).tolist()


@cache
def _asset(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_asset("explorer.html"))


def _script(own: str) -> Markup:
    """Return the scripts of a page as one whose names are its own."""
    script = "".join(_asset(f"{name}.js") for name in (*SHARED_SCRIPTS, own))
    return Markup(f"(() => {{\n{script}\n}})();\n")


def _digest(text: str) -> str:
    """Return the hash by which a content security policy admits a script or a style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
