"""Impact: projection against counterfactual, on the same draws and the same noise.

Both are published figures. They are kept on a grid of 2^-17 points (0.000008), so that in single precision
counterfactual + impact = projection holds to the last bit, in memory and in the file.
"""

import numpy as np
import xarray as xr

from oa_sim.definitions import GROUPS, MEASURES, QUANTITIES
from oa_sim.inference import link_functions

GRID = 2.0**17


def weights(pupils: xr.Dataset, areas: list[str], measure: str) -> np.ndarray:
    """Return the disadvantaged share of the pupils that a measure describes (area,)."""
    about = MEASURES[measure]
    if about.share:
        return pupils["share"].sel(area=areas, measure=measure).values
    rolls = pupils["rolls"].sel(area=areas, year_group=list(about.year_groups)).sum("year_group")
    return (rolls.sel(group="disadvantaged") / rolls.sum("group")).values


def shares(pupils: xr.Dataset, areas: list[str], measures: list[str]) -> xr.DataArray:
    """Return the disadvantaged share of the pupils that each measure describes (area, measure)."""
    values = np.stack([weights(pupils, areas, measure) for measure in measures], axis=-1)
    return xr.DataArray(values, {"area": areas, "measure": measures}, ["area", "measure"], attrs={"units": "1"})


def with_all(gain: xr.DataArray, pupils: xr.Dataset) -> xr.DataArray:
    """Return gain with the group ``all``, the roll-weighted mean of the two groups."""
    share = shares(pupils, gain.area.values.tolist(), gain.measure.values.tolist()).values[..., None]
    poor, other = gain.sel(group="disadvantaged").values, gain.sel(group="other").values
    both = np.stack([poor, other, share * poor + (1 - share) * other], axis=3)
    return xr.DataArray(both, {**gain.drop_vars("group").coords, "group": list(GROUPS)}, gain.dims, attrs=gain.attrs)


def outcomes(latent: xr.DataArray, gain: xr.DataArray, pupils: xr.Dataset) -> xr.Dataset:
    """Return projection, counterfactual and impact as published.

    Parameters
    ----------
    latent
        The counterfactual (chain, draw, area, group, measure, year), SD, noise included.
    gain
        What the programme adds, same dims with ``all``, SD, positive where pupils do better.
    pupils
        ``rolls`` and ``share``.

    Returns
    -------
    Dataset
        ``projection``, ``counterfactual`` and ``impact`` in the unit of each measure; NaN for a group that the
        measure does not have. ``all`` is the roll-weighted mean where two groups are modelled.
    """
    latent = latent.transpose(*gain.dims)
    areas = [str(area) for area in latent.area.values]
    order = [str(group) for group in latent.group.values]
    without = np.full(latent.shape, np.nan)
    projected = without.copy()
    for m, name in enumerate(str(measure) for measure in latent.measure.values):
        about = MEASURES[name]
        sign = -1.0 if about.lower_is_better else 1.0
        for group in about.groups:
            at = (slice(None), slice(None), slice(None), order.index(group), m)
            added = gain.sel(group=group, measure=name).sel(year=latent.year).values
            without[at] = link_functions.to_published(name, latent.values[at])
            projected[at] = link_functions.to_published(name, latent.values[at] + sign * added)
        if len(about.groups) == 2:
            share = weights(pupils, areas, name)[:, None]
            poor, other, everyone = (
                (slice(None), slice(None), slice(None), order.index(group), m)
                for group in ("disadvantaged", "other", "all")
            )
            for figures in (without, projected):
                figures[everyone] = share * figures[poor] + (1 - share) * figures[other]
    without, projected = (np.round(figures * GRID) / GRID for figures in (without, projected))
    data = {"projection": projected, "counterfactual": without, "impact": projected - without}
    out = xr.Dataset({name: (latent.dims, values.astype(np.float32)) for name, values in data.items()}, latent.coords)
    for name, meaning in QUANTITIES.items():
        out[name].attrs = {"units": "see coordinate unit", "long_name": meaning}
    return out.assign_coords(unit=("measure", [MEASURES[str(m)].unit for m in latent.measure.values]))
