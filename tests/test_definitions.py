"""Labels: coordinates made once, which no dataset that has them can change."""

import numpy as np
import xarray as xr

from oa_sim import definitions


def dataset(**given):
    values = np.zeros([len(one) for one in given.values()])
    return xr.Dataset({"x": (tuple(given), values)}, definitions.coordinates(**given))


def test_a_dataset_is_what_it_is_with_labels_made_anew():
    given = {"area": ["Norwich", "Oldham"], "year": [2024, 2025, 2026]}
    plain = xr.Dataset({"x": (tuple(given), np.zeros((2, 3)))}, given)
    xr.testing.assert_identical(dataset(**given), plain)
    assert list(dataset(**given).indexes) == list(plain.indexes)
    assert dataset(**given).area.dtype == plain.area.dtype


def test_what_one_dataset_does_to_its_labels_no_other_sees():
    given = {"area": ["Norwich", "Oldham"], "year": [2024, 2025, 2026]}
    one, other = dataset(**given), dataset(**given)
    one.area.attrs["said"], one.year.attrs["units"] = "here", "1"
    one = one.assign_coords(area=["Derby", "Ipswich"]).rename(year="money_year")
    assert one.area.values.tolist() == ["Derby", "Ipswich"]
    for found in (other, dataset(**given)):
        assert found.area.values.tolist() == given["area"]
        assert not found.area.attrs
        assert not found.year.attrs


def test_other_labels_and_another_order_are_told_apart():
    assert dataset(area=["Oldham", "Norwich"]).area.values.tolist() == ["Oldham", "Norwich"]
    assert dataset(area=["Norwich", "Oldham"]).area.values.tolist() == ["Norwich", "Oldham"]
    assert dataset(year=[2024, 2025]).year.values.tolist() == [2024, 2025]
    assert list(dataset(year=[2024], area=["Derby"]).dims) == ["year", "area"]
