"""The law of a scenario as a PyMC model, for ``pm.set_data`` and ``sample_posterior_predictive``.

What ``how_fast.py`` measures the kernel against: the same inputs, the same outcomes, one draw at a time. Lags are given
ready-made, and what cohorts keep of a gain is one number a year since, as the kernel has it; both favour this form.
"""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from oa_sim.compiled.activity import Draws, Levers, Shape
from oa_sim.inference import link_functions

DATA = ("spend", "beside", "offers", "since")
BY_INTERVENTION = ("unit_cost", "ramp", "wider", "dose", "goes_on", "later")


def model(shape: Shape, levers: Levers, n_draws_latent: tuple[int, int, int]) -> pm.Model:
    """Return the model: data ``spend``, ``beside``, ``offers``, ``since``; answers ``projection`` and ``impact``."""
    n_areas, n_all, n_years = levers.spend.shape
    _, n_series, n_shown = n_draws_latent
    with pm.Model() as found:
        data = {name: pm.Data(name, getattr(levers, name).astype(float)) for name in DATA}
        given = {name: pm.Flat(name, shape=n_all) for name in BY_INTERVENTION}
        given |= {
            "effect": pm.Flat("effect", shape=(n_all, shape.meets.shape[0])),
            "kept": pm.Flat("kept", shape=(n_all, n_years)),
            "delivery": pm.Flat("delivery", shape=n_areas),
            "overlap": pm.Flat("overlap"),
            "lost_by_load": pm.Flat("lost_by_load"),
            "undisturbed": pm.Flat("undisturbed", shape=n_years),
            "lag": pm.Flat("lag", shape=(n_areas, n_all)),
            "latent": pm.Flat("latent", shape=(n_areas, n_series, n_shown)),
        }
        active = _activity(shape, data, given, float(levers.takes))
        gain = _gain(shape, given, active)
        _outcomes(shape, given["latent"], gain)
    return found


def _activity(shape: Shape, data: dict, given: dict, takes: float):
    """Return the activity of each intervention (area, intervention, year)."""
    n_years = data["spend"].shape[2].eval()
    capacity = shape.capacity[None, :, None].astype(float)
    cost, ramp, wider, dose = (given[name][None, :, None] for name in ("unit_cost", "ramp", "wider", "dose"))

    def reached(money):
        return capacity * (1 - pt.exp(-money / (cost * capacity)))

    def below(late):
        late = pt.maximum(late, 0.0)
        return pt.switch(late < ramp, late**2 / (2 * ramp), late - ramp / 2)

    late = pt.arange(n_years)[None, None, :] - data["since"][:, :, None] - given["lag"][:, :, None]
    ready = (below(late + 1) - below(late)) * (data["spend"] > 0)
    local = reached(data["spend"])
    school = dose * given["delivery"][:, None, None]
    most = capacity * wider
    both = local * ready + reached(data["spend"] + data["beside"]) - local
    funded = pt.minimum(both * wider * school, most)
    standing, unpaid = pt.zeros_like(funded[:, :, 0]), [pt.zeros_like(funded[:, :, 0])]
    for t in range(1, n_years):
        change = funded[:, :, t] - funded[:, :, t - 1]
        standing = given["later"] * pt.maximum(standing - pt.maximum(change, 0), 0)
        standing = standing + given["goes_on"] * pt.maximum(-change, 0)
        unpaid.append(standing)
    unpaid = pt.stack(unpaid, axis=2)
    here = pt.minimum(local * ready / capacity + unpaid / (most * school), 1.0)
    load = pt.tensordot((shape.stage > 0).astype(float).T, here, axes=[[1], [1]]).transpose(1, 0, 2) + data["offers"]
    less = pt.exp(pt.maximum(load - takes, 0) * given["lost_by_load"]) - 1
    burden = 1 + pt.tensordot(shape.stage.astype(float), less, axes=[[1], [1]]).transpose(1, 0, 2)
    return pt.minimum(funded + unpaid, most) * burden * given["undisturbed"]


def _gain(shape: Shape, given: dict, active):
    """Return the gain of disadvantaged and other pupils, each (measure, area, year)."""
    n_years = active.shape[2].eval() if not isinstance(active.type.shape[2], int) else active.type.shape[2]
    missed = pt.log(1 - pt.minimum(active * shape.widest[None, :, None].astype(float), 0.999))
    since = np.arange(n_years)[None, :] - np.arange(n_years)[:, None]
    laid = given["kept"][:, np.maximum(since, 0)] * (since >= 0)  # (intervention, given, year)
    new = {}
    for channel in np.unique(shape.channel):
        alone = pt.tensordot(shape.meets[channel].astype(float), missed, axes=[[1], [1]])  # (intervention, area, year)
        left = 1 + (1 - given["overlap"]) * (pt.exp(alone) - 1)
        new[channel] = active.transpose(1, 0, 2) * given["effect"][:, channel][:, None, None] * left
    out = []
    for m, channel in enumerate(shape.channel):
        who = np.flatnonzero(shape.sees[:, m])
        sight = shape.sight[who, m].astype(float)[:, np.maximum(since, 0)]
        own = pt.matmul(new[channel][who], laid[who] * sight)  # (intervention, area, year)
        out.append([pt.tensordot(shape.eligible[who, g].astype(float), own, axes=[[0], [0]]) for g in range(2)])
    return out


def _outcomes(shape: Shape, latent, gain) -> None:
    """Write projection and impact as published (row, area, year)."""
    n_shown, projected, impact = latent.type.shape[2], [], []

    def published(kind, value):
        if kind == link_functions.POINTS:
            return pt.clip(value * float(link_functions.PUPIL_SD), 0.0, 90.0)
        if kind == link_functions.RATE:
            return 100 * pt.exp(float(link_functions.LOG_PER_SD) * value)
        return 50 * pt.erfc(-value / np.sqrt(2))

    for m, (poor, other) in enumerate(gain):
        share, s, kind = shape.poor[:, m][:, None].astype(float), shape.series[m], shape.kind[m]
        sign = float(shape.sign[m])
        if shape.two_groups[m]:
            helped = [
                published(kind, latent[:, s + g] + sign * one[:, :n_shown]) for g, one in enumerate((poor, other))
            ]
            before = [published(kind, latent[:, s + g]) for g in range(2)]
            for figures in (helped, before):
                figures.append(share * figures[0] + (1 - share) * figures[1])
        else:
            everyone = share * poor[:, :n_shown] + (1 - share) * other[:, :n_shown]
            helped, before = [published(kind, latent[:, s] + sign * everyone)], [published(kind, latent[:, s])]
        projected += helped
        impact += [one - none for one, none in zip(helped, before, strict=True)]
    pm.Deterministic("projection", pt.stack(projected))
    pm.Deterministic("impact", pt.stack(impact))


def posterior(draws: Draws, levers: Levers, latent: np.ndarray, chains: int) -> xr.Dataset:
    """Return what the model takes as drawn (chain, draw, ...)."""
    n_draws = latent.shape[-1]

    def flat(blocks):
        apart = np.moveaxis(blocks, 0, -2)
        each = apart.reshape(*apart.shape[:-2], -1)[..., :n_draws].astype(float)
        return np.moveaxis(each, -1, 0).reshape(chains, n_draws // chains, *each.shape[:-1])

    found = {name: flat(getattr(draws, name)) for name in (*BY_INTERVENTION, "effect", "kept", "delivery", "overlap")}
    found |= {name: flat(getattr(draws, name)) for name in ("lost_by_load", "undisturbed")}
    found["lag"] = flat(levers.lag)[:, :, levers.wait]
    found["latent"] = np.moveaxis(latent, -1, 0).reshape(chains, -1, *latent.shape[:-1]).astype(float)
    dims = {name: ("chain", "draw", *(f"{name}_{i}" for i in range(value.ndim - 2))) for name, value in found.items()}
    return xr.Dataset({name: (dims[name], value) for name, value in found.items()})
