"""Store: one labelled Zarr store that opens in xarray, whole after any death, the same bytes for the same numbers."""

import errno
import hashlib
import json
import shutil
import threading
import warnings
from dataclasses import replace

import numpy as np
import planted
import pytest
import xarray as xr
import zarr

from oa_sim.errors import Refusal
from oa_sim.sweep import cases, store

N, BLOCK = 10, 4


def result(seed=1):
    return planted.law(replace(planted.base(), seed=seed))


def other():
    """Give a scenario with another area and other years."""
    here = planted.base()
    return replace(here, areas=replace(here.areas, names=["Blackpool"]), horizon=6, seed=3, start_year=2028)


@pytest.fixture
def made(tmp_path):
    """Give a folder with an empty store, and its layout."""
    first = result()
    labels = {"place": ["Blackpool", "Norwich", "Oldham", cases.MEAN_OF_AREAS], "year": list(range(2026, 2034))}
    layout = store.layout_of(first, labels)
    store.create(tmp_path, layout, N, BLOCK, first)
    return tmp_path, layout


def bytes_of(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def opened(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with xr.open_zarr(folder / store.NAME) as found:
            return found.load()


def test_it_opens_in_xarray_with_labels_and_units_and_without_a_warning(made):
    folder, layout = made
    found = opened(folder)
    assert found.impact.dims == ("scenario", "place", "group", "measure", "year", "statistic")
    assert found.place.values.tolist() == layout.labels["place"]
    assert found.impact.attrs["units"] == "points"
    assert found.impact.dtype == np.float32
    assert found.impact.isnull().all()


def test_its_metadata_are_gathered_as_zarr_gathers_them(made):
    folder, layout = made
    store.write_columns(folder, {"split": ("str", ["equal"] * N), "horizon": ("int", [5, None] * (N // 2))}, ["split"])
    ours = json.loads((folder / store.NAME / "zarr.json").read_text())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its format 3 has yet to adopt this
        zarr.consolidate_metadata(folder / store.NAME)
    assert json.loads((folder / store.NAME / "zarr.json").read_text()) == ours
    assert len(ours["consolidated_metadata"]["metadata"]) == len(layout.labels) + len(layout.arrays) + 2


def test_no_thread_that_sets_filters_of_warnings_can_make_it_warn(made):
    folder, _ = made
    over = threading.Event()

    def setting():
        while not over.is_set():
            with warnings.catch_warnings():
                warnings.simplefilter("error")

    other = threading.Thread(target=setting)
    other.start()
    try:
        for value in range(30):
            store.write_columns(folder, {"seed": ("int", [value] * N)}, ["seed"])
    finally:
        over.set()
        other.join()
    assert opened(folder).seed.values.tolist() == [29] * N


def test_a_layout_is_read_back_as_it_was_made(made):
    folder, layout = made
    assert store.layout(folder) == layout


def test_what_a_scenario_gives_stands_by_its_labels_and_nowhere_else(made):
    folder, layout = made
    results = [result(1), planted.law(other())]
    store.write(folder, 0, [store.placed(one, layout) for one in results], layout)
    found = opened(folder)
    for i, one in enumerate(results):
        there = found.impact.isel(scenario=i).sel(place=one.place.values, year=one.year.values)
        np.testing.assert_array_equal(there.values, one.impact.values)
        assert int(found.impact.isel(scenario=i).notnull().sum()) == one.impact.size
    assert found.impact.isel(scenario=slice(2, None)).isnull().all()


def test_several_scenarios_are_read_back_at_once_in_any_order(made):
    folder, layout = made
    placed = [store.placed(one, layout) for one in (result(1), planted.law(other()), result(2))]
    store.write(folder, 0, placed, layout)
    for numbers in ([0], [2, 0], [0, 1, 2]):
        read = store.read(folder, numbers, layout)
        for number, one in zip(numbers, read, strict=True):
            for name, values in placed[number].items():
                np.testing.assert_array_equal(one[name], values)


def test_a_label_or_a_variable_without_a_place_is_refused_in_a_sentence(made):
    _, layout = made
    with pytest.raises(Refusal, match="no year 2034"):
        store.placed(result().assign_coords(year=[2030, 2031, 2032, 2033, 2034]), layout)
    with pytest.raises(Refusal, match="'more'"):
        store.placed(result().assign(more=("place", [1.0, 2.0, 3.0])), layout)


def test_a_variable_that_a_scenario_lacks_is_left_empty(made):
    folder, layout = made
    store.write(folder, 0, [store.placed(result().drop_vars("worth"), layout)], layout)
    assert opened(folder).worth.isnull().all()
    assert store.are_whole(folder, 0, layout, BLOCK)  # and its chunk is there all the same, or it would seem lost


def test_the_order_of_dimensions_and_labels_does_not_matter(made):
    _, layout = made
    turned = result().isel(year=slice(None, None, -1)).transpose("statistic", "year", ...)
    np.testing.assert_array_equal(store.placed(turned, layout)["impact"], store.placed(result(), layout)["impact"])


def test_writing_one_part_of_a_chunk_leaves_the_other(made):
    folder, layout = made
    store.write(folder, 4, [store.placed(result(4), layout), store.placed(result(5), layout)], layout)
    before = opened(folder).impact.sel(scenario=slice(4, 6)).values
    store.write(folder, 6, [store.placed(result(6), layout), None], layout)
    found = opened(folder).impact
    np.testing.assert_array_equal(found.sel(scenario=slice(4, 6)).values, before)
    assert found[6].notnull().any()
    assert found[7].isnull().all()


def test_the_same_numbers_are_the_same_bytes_in_any_order_of_blocks(made, tmp_path_factory):
    folder, layout = made
    twin = tmp_path_factory.mktemp("twin")
    store.create(twin, layout, N, BLOCK, result())
    starts = [0, 4, 8]
    for at, order in ((folder, starts), (twin, starts[::-1])):
        for start in order:
            store.write(at, start, [store.placed(result(start + i), layout) for i in range(2)], layout)
        store.write_columns(at, {"seed": ("int", list(range(N))), "failed": ("str", [""] * N)}, ["seed"])
    assert bytes_of(folder) == bytes_of(twin)


def test_growing_leaves_every_chunk_as_it_was(made):
    folder, layout = made
    store.write(folder, 8, [store.placed(result(8), layout)], layout)
    before = {name: text for name, text in bytes_of(folder).items() if "/c/" in name}
    store.grow(folder, 30, layout)
    assert opened(folder).sizes["scenario"] == 30
    assert {name: text for name, text in bytes_of(folder).items() if "/c/" in name} == before
    whole = bytes_of(folder)
    store.grow(folder, 30, layout)
    assert bytes_of(folder) == whole


@pytest.mark.parametrize(
    ("kind", "values", "dtype"),
    [
        ("int", [1, 2, 3], "int64"),
        ("int", [1, None, 3], "float64"),
        ("float", [0.1, 2.5e300, None], "float64"),
        ("float32", [0.1, 3.0, None], "float32"),
        ("str", ["a", None, "é, \n"], None),
    ],
)
def test_a_column_comes_back_as_it_was(made, kind, values, dtype):
    folder, _ = made
    store.grow(folder, 3, store.layout(folder))
    store.write_columns(folder, {"key.with.dots": (kind, values)}, ["key.with.dots"])
    found = opened(folder).coords["key.with.dots"]
    for got, value in zip(found.values.tolist(), values, strict=True):
        if value is None:
            assert got == "" or np.isnan(got)
        else:
            assert got == (np.float32(value) if kind == "float32" else value)
    assert dtype is None or found.dtype == dtype


def test_a_chunk_that_cannot_be_written_leaves_the_old_one_and_nothing_half(made, monkeypatch):
    folder, layout = made
    store.write(folder, 0, [store.placed(result(1), layout)], layout)
    before = bytes_of(folder)
    from zarr.storage import _local

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_local.Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        store.write(folder, 1, [store.placed(result(2), layout)], layout)
    monkeypatch.undo()
    assert bytes_of(folder) == before


def test_chunks_that_are_gone_are_missed(made):
    folder, layout = made
    store.write(folder, 4, [store.placed(result(4), layout)], layout)
    assert store.are_whole(folder, 5, layout, BLOCK)
    assert not store.are_whole(folder, 0, layout, BLOCK)
    shutil.rmtree(folder / store.NAME / "worth" / "c" / "1")
    assert not store.are_whole(folder, 5, layout, BLOCK)


def test_a_folder_without_a_store_has_no_layout(tmp_path):
    assert store.layout(tmp_path) is None


def test_the_estimate_of_size_is_near_what_is_written(tmp_path):
    random, labels = np.random.default_rng(0), {"row": range(64), "column": range(512)}
    wide = [xr.Dataset({"wide": (("row", "column"), random.normal(50, 1, (64, 512)))}, labels) for _ in range(8)]
    layout = store.layout_of(wide[0], {})
    store.create(tmp_path, layout, 8, 8, wide[0])
    store.write(tmp_path, 0, [store.placed(one, layout) for one in wide], layout)
    chunk = tmp_path / store.NAME / "wide" / "c" / "0" / "0" / "0"
    assert chunk.stat().st_size / 8 == pytest.approx(store.packed_size(wide[0]), rel=0.15)
    assert zarr.open_group(tmp_path / store.NAME, mode="r")["wide"].chunks[0] == 8
