"""Outside view: what area programmes have mostly done, set against what the parts of this one promise.

A soft likelihood on the whole-area effect. Draws of the programme are weighed by it, and taken as often as their weight
says; what would have happened anyway does not depend on the programme and is left as it is.
"""

import numpy as np
import xarray as xr

from oa_sim.definitions import MEASURES, headline_of
from oa_sim.inference import importance_sampling
from oa_sim.projection import cohort, sustainability
from oa_sim.rng import stream
from oa_sim.scenario.assumptions import OutsideView
from oa_sim.scenario.schema import Scenario


def whole_area(gain: xr.DataArray) -> xr.DataArray | None:
    """Return the whole-area effect at its peak (chain, draw), SD; None where no attainment is measured.

    The gain of all pupils (group ``all``), averaged over the areas and over the measures of attainment, in the year in
    which it is largest in size. It keeps its sign: a draw that harms has a peak below zero, since the outside view has
    a quarter of its weight there.
    """
    of_attainment = [name for name in gain.measure.values.tolist() if MEASURES[name].channel == "attainment"]
    if not of_attainment:
        return None
    mean = gain.sel(group="all", measure=of_attainment).mean(("area", "measure"))
    return mean.isel(year=abs(mean).argmax("year")).drop_vars(("year", "group")).assign_attrs(units="SD")


def log_likelihood(view: OutsideView, peak: np.ndarray) -> np.ndarray:
    """Return the log-density, up to a constant, of whole-area effects (SD) by the Student-t of the outside view."""
    nu = view.degrees_of_freedom
    return -(nu + 1) / 2 * np.log1p(((peak - view.location) / view.scale) ** 2 / nu)


def weigh(scenario: Scenario, gain: xr.DataArray) -> xr.Dataset:
    """Return the weight of each draw of the programme by the outside view, whether it is on or off; see ``weighed``."""
    peak = whole_area(gain)
    return weighed(scenario, None if peak is None else peak.values, (gain.sizes["chain"], gain.sizes["draw"]))


def weighed(scenario: Scenario, peak: np.ndarray | None, shape: tuple[int, int]) -> xr.Dataset:
    """Return the weight of each draw of the programme, given the whole-area effect at its peak.

    Parameters
    ----------
    scenario
        Its outside view and seed.
    peak : array (chain, draw)
        SD; None where no attainment is measured.
    shape
        Number of chains, and of draws of each.

    Returns
    -------
    Dataset
        By (chain, draw): ``whole_area`` (SD; zero where no attainment is measured), ``weight`` (adding up to one; alike
        where there is no effect), ``taken`` (which draw, counted over all chains, stands in its place once the draws
        are weighed). ``attrs``: ``pareto_k``, ``effective_draws``, ``speaks`` (1 where there is an effect to weigh).
    """
    values = np.zeros(shape) if peak is None else peak
    weight, k = importance_sampling.weigh(log_likelihood(scenario.evidence.outside_view, values.ravel()))
    taken = importance_sampling.systematic(weight, stream(scenario.seed, "outside view"))
    data = {"whole_area": (values, "SD"), "weight": (weight, "1"), "taken": (taken, "draw")}
    variables = {name: (("chain", "draw"), part.reshape(shape), {"units": unit}) for name, (part, unit) in data.items()}
    weights = xr.Dataset(variables)
    weights.attrs = {
        "pareto_k": k,
        "effective_draws": importance_sampling.effective(weight),
        "speaks": int(peak is not None and bool(values.any())),
        "is_on": int(scenario.evidence.outside_view.is_on),
    }
    return weights


def resampled(gain: xr.DataArray, taken: xr.DataArray) -> xr.DataArray:
    """Return gain with each draw replaced by the one that is taken in its place."""
    flat = gain.values.reshape(-1, *gain.shape[2:])
    return gain.copy(data=flat[taken.values.ravel()].reshape(gain.shape))


def taken_by(
    active: dict[str, np.ndarray], drawn: xr.Dataset, taken: xr.DataArray
) -> tuple[dict[str, np.ndarray], xr.Dataset]:
    """Return activity and parameters with each draw of the programme replaced by the one that is taken in its place.

    What is read off single interventions then rests on the same draws as the whole.
    """
    index = taken.values.ravel()
    moved = {
        name: values.reshape(-1, *values.shape[2:])[index].reshape(values.shape) for name, values in active.items()
    }
    parameters = {name: resampled(values, taken) for name, values in drawn.items() if "draw" in values.dims}
    return moved, drawn.assign(parameters)


def other_way(
    scenario: Scenario,
    seen: xr.Dataset,
    gain: xr.DataArray,
    latent: xr.DataArray,
    pupils: xr.Dataset,
    money: xr.Dataset,
) -> xr.Dataset:
    """Return what the headline says the other way: with the outside view where it is off, without where it is on.

    ``seen``, from ``weigh``, and where it speaks: ``impact`` (chain, draw, year), the mean over areas of the headline's
    measure and group, in the measure's unit; and what lasts (area, group, measure), as of ``sustainability.risk``. The
    ``gain`` is not weighed and has the group ``all``.
    """
    if not seen.attrs["speaks"]:
        return seen
    measure, group = headline_of(gain.measure.values.tolist())
    gain = gain if seen.attrs["is_on"] else resampled(gain, seen.taken)
    outcomes = cohort.outcomes(latent.sel(measure=[measure]), gain.sel(measure=[measure]), pupils)
    impact = outcomes.impact.sel(group=group, measure=measure).mean("area", dtype=float)
    lasting = sustainability.risk(scenario, gain, money)
    return seen.assign(lasting.data_vars).assign(impact=impact.drop_vars(("group", "measure", "unit")))
