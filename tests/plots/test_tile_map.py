"""The map of areas: a place for each, and names that stand out."""

import dataclasses

import numpy as np
from test_picture import pixels

from oa_sim.plots import fan_charts, tile_map


def test_no_two_areas_share_a_place_on_the_map_and_unknown_ones_stand_beside():
    others = [f"Area {k}" for k in range(17)]
    at = tile_map.places([*tile_map.PLACES, *others])
    assert len(set(at)) == len(at)
    for k, (x, y) in enumerate(at):
        for column, row in at[:k]:
            assert max(abs(x - column), abs(y - row)) >= 1
    assert min(column for column, _ in at[12:]) > max(column for column, _ in at[:12])
    west, east = (
        dict(zip(tile_map.PLACES, at, strict=False))["Blackpool"],
        dict(zip(tile_map.PLACES, at, strict=False))["Norwich"],
    )
    assert west[0] < east[0]
    assert west[1] < east[1]  # north is up


def test_a_name_on_the_map_stands_out_from_its_square():
    for part in np.linspace(0, 1, 50):
        light = tile_map._light(tile_map.SHADES(part))
        ink = 1.0 if light < tile_map.EQUAL_CONTRAST else 0.0
        high, low = max(light, ink), min(light, ink)
        assert (high + 0.05) / (low + 0.05) >= 4.5
    greys = [tile_map._light(tile_map.SHADES(part)) for part in np.linspace(0, 1, 20)]
    assert (np.diff(greys) < 0).all()  # the scale reads in grey


def test_a_map_of_one_area_and_of_many_is_drawn(every_area):
    one = dataclasses.replace(
        every_area, draws=every_area.draws.isel(area=[7]), sustainability=every_area.sustainability.isel(area=[7])
    )
    assert "North Yorkshire Coast" in tile_map.tile_map(one).alternative
    for found in (tile_map.tile_map(one), fan_charts.by_area(one), tile_map.tile_map(every_area)):
        assert found.width <= tile_map.WIDEST + 0.2
        assert (pixels(found) < 128).any()
