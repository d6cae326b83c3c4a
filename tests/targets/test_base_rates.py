"""How often authorities moved that far."""

import numpy as np
import xarray as xr

from oa_sim.definitions import GROUPS, MEASURES
from oa_sim.inputs import tables
from oa_sim.targets import attainable


def made_up(n=400, years=9):
    """Return a record in which every authority moves against England by its rank's normal number times the years."""
    away = np.random.default_rng(2).standard_normal((n, 1)) * np.ones(years)
    published = 60 + 5 * away + np.arange(years)
    shape = {"area": [f"a{i}" for i in range(n)], "group": list(GROUPS), "measure": list(MEASURES)}
    every = np.broadcast_to(published[:, None, None], (n, len(GROUPS), len(MEASURES), years))
    england = np.broadcast_to(60.0 + np.arange(years), every.shape[1:])
    coords = {**shape, "year": 2010 + np.arange(years)}
    return xr.Dataset(
        {
            "published": (("area", "group", "measure", "year"), every),
            "england": (("group", "measure", "year"), england),
        },
        coords,
    )


def test_authorities_that_keep_their_distance_never_move():
    rows = attainable.summarised(made_up())
    assert {row["n"] for row in rows if row["span"] == 1} == {80 * 8}
    assert attainable.movement_rate(rows, "key_stage_2", "all", 5, -7.0, 0.01) == (0.0, 80 * 4, 5)
    assert attainable.movement_rate(rows, "key_stage_2", "all", 30, -7.0, 0.0) == (
        1.0,
        80,
        8,
    )  # the longest that is known
    assert attainable.movement_rate(rows, "suspensions", "all", 5, 3.0, 0.0)[0] == 1.0  # exactly so far is far enough
    assert attainable.typical(rows, "key_stage_2", "all", 5, -7.0) == 0.0
    assert attainable.movement_rate(rows, "key_stage_2", "all", 5, -7.0, -0.01)[0] == 1.0
    assert attainable.movement_rate(rows, "suspensions", "all", 5, 3.0, -0.01)[0] == 0.0  # lower is better


def test_the_further_one_has_to_move_the_fewer_did():
    rows = tables.read("movements")
    for measure in ("key_stage_2", "attainment_8", "good_level_of_development"):
        rates = [attainable.movement_rate(rows, measure, "all", 5, -5.0, needed)[0] for needed in (-4, 0, 2, 4, 8)]
        assert rates == sorted(rates, reverse=True)
        assert rates[0] > rates[-1]
    rates = [
        attainable.movement_rate(rows, "persistent_absence", "all", 5, 2.0, needed)[0] for needed in (4, 0, -2, -4)
    ]
    assert rates == sorted(rates, reverse=True)


def test_those_furthest_behind_came_nearer_more_often():
    rows = tables.read("movements")
    behind = attainable.movement_rate(rows, "key_stage_2", "all", 5, -10.0, 3.0)[0]
    ahead = attainable.movement_rate(rows, "key_stage_2", "all", 5, 8.0, 3.0)[0]
    assert behind > ahead
