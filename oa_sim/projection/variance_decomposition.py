"""Variance decomposition: where the uncertainty comes from, as shares of variance by block of what is not known.

First-order shares from the draws that there are: how much of a quantity's variance is explained by the parameters of
one block alone. What no block explains alone comes from blocks together.
"""

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from oa_sim.definitions import MEAN_OF_AREAS, headline_of
from oa_sim.scenario.schema import Scenario

BLOCKS = {  # block: names in the Dataset of parameters; a parameter that is named nowhere belongs to delivery
    "effect": ("effect", "attendance_link"),
    "scale_loss": ("kept",),  # where the synthesis tells it apart; otherwise it is part of the effect
    "delivery": (),
    "fade_out": ("first_year", "later", "floor", "leave_area"),
    "survival": ("survives", "survives_later", "quality", "staff_renewed"),
}
LEVEL = ("national", "area")
PROGRAMME, TOGETHER = "programme", "together"
EVERY_BLOCK = (*BLOCKS, PROGRAMME, *LEVEL, TOGETHER)
LABELS = {
    "effect": "the effects",
    "scale_loss": "the loss of effect at scale",
    "delivery": "delivery",
    "fade_out": "fade-out",
    "survival": "sustainment without funding",
    "programme": "the programme",
    "national": "England\u2019s trend",
    "area": "the areas\u2019 own course",
    "together": "several of these together",
}
SQUARES_NEED, LINE_NEEDS = 10, 3  # draws a column, for a fit with squares and for one without
PARTS = 20  # of the draws, each left out once for the standard error
YEARS_LATER = 5
_OTHER = {"intervention": "area", "area": "intervention"}


def blocks(drawn: xr.Dataset, money: xr.Dataset) -> dict[str, np.ndarray]:
    """Return the parameters of the programme by block, each (draw, column).

    Only interventions and areas that have any money (``spend`` and ``national``) enter. The studies say of effects and
    of the loss on the way to scale together, so the two are not independent; of an effect stands here what the shares
    kept do not already tell of it.
    """
    paid = (money.spend + money.national).sum("year")
    on = {dim: paid[dim].values[(paid > 0).any(other).values] for dim, other in _OTHER.items()}
    placed = {name: block for block, names in BLOCKS.items() for name in names}
    columns_by_block: dict[str, list[np.ndarray]] = {block: [] for block in BLOCKS}
    for name, values in drawn.data_vars.items():
        if not {"chain", "draw"} <= set(values.dims):  # known, as dates are
            continue
        funded = values.sel({dim: kept for dim, kept in on.items() if dim in values.dims})
        flat = funded.transpose("chain", "draw", ...).values.astype(float)
        flat = flat.reshape(values.sizes["chain"] * values.sizes["draw"], -1)
        columns_by_block[placed.get(str(name), "delivery")].append(flat[:, np.ptp(flat, axis=0) > 0])
    by_block = {block: np.concatenate(columns, axis=1) for block, columns in columns_by_block.items() if columns}
    if "scale_loss" in by_block and len(by_block["effect"]) > 3 * by_block["scale_loss"].shape[1]:
        predictors = np.column_stack([np.ones(len(by_block["effect"])), by_block["scale_loss"]])
        slopes = np.linalg.lstsq(predictors, by_block["effect"], rcond=None)[0]
        by_block["effect"] = by_block["effect"] - predictors @ slopes
    return by_block


def shares(quantities: np.ndarray, by_block: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the share of variance that each block explains alone, and its standard error, each (block + 1, quantity).

    Adjusted R squared of a regression of the quantities (draw, quantity) on the block's columns (draw, column) and
    their squares (columns alone where draws are few): the first-order Sobol index of the block where the quantity is,
    given the others' mean, a sum of such terms. Last is what blocks make together, in which a block's own parameters in
    products are counted. NaN where a quantity does not vary, and for a block that has more columns than the draws can
    tell apart. Blocks are independent of each other. The standard error is a jackknife over 20 parts of the draws.
    """
    n_draws = len(quantities)
    parts = np.arange(n_draws) * min(PARTS, n_draws) // n_draws  # runs of draws, since neighbours are alike
    explained = np.stack([_adjusted(quantities, columns, parts) for columns in by_block.values()])
    # (block + 1, whole and left out, quantity)
    explained = np.concatenate([explained, 1 - explained.sum(axis=0, keepdims=True)])
    whole, without = explained[:, 0], explained[:, 1:]
    n = without.shape[1]
    error = np.sqrt((n - 1) / n * ((without - without.mean(axis=1, keepdims=True)) ** 2).sum(axis=1))
    return whole, error


def _adjusted(quantities: np.ndarray, columns: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Return the adjusted R squared with all draws, and with each part left out (1 + part, quantity)."""
    n_parts = int(parts[-1]) + 1
    nothing = np.full((1 + n_parts, quantities.shape[1]), np.nan)
    spread = columns.std(axis=0)
    columns = columns[:, spread > 1e-12 * np.maximum(1.0, abs(columns).max(axis=0))]
    if not columns.size:
        return np.where(quantities.std(axis=0) > 0, 0.0, nothing)
    unit = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    n, width = unit.shape
    if n < LINE_NEEDS * width:
        return nothing
    terms = [np.ones((n, 1)), unit]
    if n >= SQUARES_NEED * 2 * width:
        terms.append(unit**2 - 1)
    x = np.concatenate(terms, axis=1)
    scale = quantities.std(axis=0)
    y = (quantities - quantities.mean(axis=0)) / np.where(scale > 0, scale, np.nan)
    by_part = [(x[parts == k], y[parts == k]) for k in range(n_parts)]

    def left(sums: list[np.ndarray]) -> np.ndarray:
        """Return the sum over all parts, and over all but each."""
        total = np.sum(sums, axis=0)
        return np.stack([total, *(total - part for part in sums)])

    moments, products = left([a.T @ a for a, _ in by_part]), left([a.T @ b for a, b in by_part])
    squares, sums = left([(b**2).sum(axis=0) for _, b in by_part]), left([b.sum(axis=0) for _, b in by_part])
    count = left([np.array([[float(len(a))]]) for a, _ in by_part])[:, 0]
    moments += 1e-9 * n * np.eye(x.shape[1])  # columns that say the same share what they say
    around = squares - (products * np.linalg.solve(moments, products)).sum(axis=1)
    total = squares - sums**2 / count
    r_squared: np.ndarray = 1 - (around / (count - x.shape[1])) / (total / (count - 1))
    return r_squared


def uncertainty(
    scenario: Scenario, drawn: xr.Dataset, money: xr.Dataset, latent: xr.DataArray, gain: xr.DataArray,
    outcomes: xr.Dataset,
) -> xr.Dataset:  # fmt: skip
    """Return where the uncertainty of the headline comes from, in each area and in their mean.

    ``share`` and ``error`` (reading_year, place, quantity, block), fractions of variance: of the impact by block of the
    programme, and, since a gain moves more pupils in the middle of a scale, by the level it starts from; of the
    projection by England's course, the area's own, and the programme as a whole. The years read are the last funded one
    and, where it is projected, five years later. ``latent`` is the counterfactual (chain, draw, area, group, measure,
    year), SD, with ``national`` beside it, ``gain`` has the same dims over the whole window.
    """
    measure, group = headline_of(scenario.measures)
    headline = {"measure": measure, "group": group}
    paid = money.year.values[money.spend.sum(("area", "intervention")).values > 0]
    last = int(paid[-1]) if len(paid) else scenario.years[0] - 1
    years = sorted({int(np.clip(last, scenario.years[0], scenario.years[-1])), last + YEARS_LATER})
    years = [year for year in years if year in scenario.years]
    with threadpool_limits(1):
        programme = blocks(drawn, money) if len(paid) else {}
    size = (len(years), len(scenario.areas.names) + 1, 2, len(EVERY_BLOCK))
    share, error = np.full(size, np.nan), np.full(size, np.nan)
    for y, year in enumerate(years):
        england = latent.national.sel(headline, drop=True).sel(year=year).values.reshape(-1, 1)
        own_level = _flat(latent.drop_vars("national").sel(headline).sel(year=year)) - england
        level = {"national": england, "area": own_level}
        helped = {PROGRAMME: _flat(gain.sel(headline).sel(year=year))} if programme else {}
        for q, block_draws in enumerate((programme | level if programme else {}, level | helped)):
            if not block_draws:
                continue
            values = _flat(outcomes[("impact", "projection")[q]].sel(headline).sel(year=year)).astype(float)
            values = np.concatenate([values, values.mean(axis=1, keepdims=True)], axis=1)
            with threadpool_limits(1):  # the last digits of a product depend on how many threads add it up
                explained = shares(values, block_draws)
            where = [EVERY_BLOCK.index(block) for block in (*block_draws, TOGETHER)]
            share[y, :, q, where], error[y, :, q, where] = explained
    dims = ("reading_year", "place", "quantity", "block")
    coords = {
        "reading_year": years, "place": [*scenario.areas.names, MEAN_OF_AREAS], "quantity": ["impact", "projection"],
        "block": list(EVERY_BLOCK),
    }  # fmt: skip
    out = xr.Dataset({"share": (dims, share), "error": (dims, error)}, coords, headline | {"last_funded_year": last})
    for name in out.data_vars:
        out[name].attrs["units"] = "1"
    return out


def _flat(values: xr.DataArray) -> np.ndarray:
    """Return draws of each area (draw, area)."""
    return values.transpose("chain", "draw", "area").values.reshape(-1, values.sizes["area"])
