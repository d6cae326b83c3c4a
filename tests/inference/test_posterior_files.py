"""Files of a posterior: written and read to the last bit, and refused where they are damaged."""

import json

import numpy as np
import pytest
import xarray as xr
from test_baseline_fit import refused

from oa_sim.inference import baseline_fit, posterior_files


@pytest.fixture(scope="module")
def shipped():
    return baseline_fit.load()


def test_what_is_written_is_read_again_to_single_precision(tiny_posterior, tmp_path):
    for factor in (1.0, 1 + 1e-12):  # what is held in single precision already, and what is not
        given = tiny_posterior.map(lambda values, by=factor: values * by, keep_attrs=True)
        given = given.assign_attrs(tiny_posterior.attrs)
        posterior_files.write(given, tmp_path / "learned.nc")
        back = baseline_fit.load(tmp_path / "learned.nc")
        assert set(back.data_vars) == set(given.data_vars)
        for name, values in given.data_vars.items():
            assert back[name].dtype == np.float64
            np.testing.assert_array_equal(back[name], values.values.astype(np.float32).astype(float))
        for dim in given.coords:
            np.testing.assert_array_equal(back[dim], given[dim])
        assert {key: back.attrs[key] for key in ("gates", "made")} == {
            key: given.attrs[key] for key in ("gates", "made")
        }


def test_writing_what_was_read_changes_no_number(written, tmp_path):
    again = tmp_path / "again.nc"
    posterior_files.write(baseline_fit.load(written), again)
    assert posterior_files.checksum(baseline_fit.load(again)) == posterior_files.checksum(baseline_fit.load(written))


def test_writing_leaves_no_other_file_and_others_may_read_it(written):
    assert [path.name for path in written.parent.iterdir()] == ["learned.nc"]
    assert written.stat().st_mode & 0o044 == 0o044


def test_a_checksum_is_of_every_number_and_of_the_gates(tiny_posterior):
    before = posterior_files.checksum(tiny_posterior)
    for name in baseline_fit.KEPT:
        other = tiny_posterior.copy(deep=True)
        other[name].values.flat[-1] += 1e-6
        assert posterior_files.checksum(other) != before, name
    assert posterior_files.checksum(tiny_posterior.assign_attrs(gates="{}")) != before


def test_it_opens_with_plain_xarray(shipped):
    with xr.open_dataset(baseline_fit.SHIPPED, engine="h5netcdf") as opened:
        assert opened.sizes == shipped.sizes
        assert json.loads(opened.attrs["gates"])["verdict"] == "PASS"


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9, 0.999])
def test_a_file_that_is_cut_short_is_refused_with_its_path(written, kept):
    whole = written.read_bytes()
    written.write_bytes(whole[: int(len(whole) * kept)])
    assert str(written) in refused(lambda: baseline_fit.load(written))


def test_a_file_that_was_changed_is_refused(written):
    whole = written.read_bytes()
    for old, new in ((b'"verdict": "PASS"', b'"verdict": "PASs"'), (b'"divergences": 0', b'"divergences": 1')):
        assert old in whole
        written.write_bytes(whole.replace(old, new))
        assert "is not what was written" in refused(lambda: baseline_fit.load(written))


@pytest.mark.parametrize("content", ["", "area,value\nNorwich,1\n"])
def test_a_text_file_is_refused(tmp_path, content):
    (tmp_path / "learned.nc").write_text(content)
    assert "cannot be read" in refused(lambda: baseline_fit.load(tmp_path / "learned.nc"))


def test_a_result_is_no_learned_posterior(tiny, tmp_path):
    path = tiny.save(tmp_path / "result.nc")
    assert str(path) in refused(lambda: baseline_fit.load(path))


def test_another_netcdf_file_is_refused(tmp_path, tiny_posterior):
    tiny_posterior.to_netcdf(tmp_path / "other.nc", engine="h5netcdf")  # without a checksum
    assert "is not what was written" in refused(lambda: baseline_fit.load(tmp_path / "other.nc"))


@pytest.mark.parametrize("path", ["nowhere.nc", "."])
def test_a_file_that_is_not_there_is_refused(tmp_path, path):
    assert "there is no such fitted posterior" in refused(lambda: baseline_fit.load(tmp_path / path))


@pytest.mark.parametrize("form", [0, 1, 99])
def test_another_format_is_refused_by_its_number(tiny_posterior, tmp_path, form):
    posterior_files.write(tiny_posterior.assign_attrs(format=form), tmp_path / "learned.nc")
    sentence = refused(lambda: baseline_fit.load(tmp_path / "learned.nc"))
    assert f"of format {baseline_fit.FORMAT} is needed, got format {form}" in sentence


def test_a_posterior_without_one_of_its_variables_is_refused(tiny_posterior, tmp_path):
    posterior_files.write(tiny_posterior.drop_vars("cohort_link"), tmp_path / "learned.nc")
    assert "fit it again" in refused(lambda: baseline_fit.load(tmp_path / "learned.nc"))


def test_a_posterior_of_other_series_is_refused(tiny_posterior, tmp_path):
    posterior_files.write(tiny_posterior.isel(series=slice(None, None, -1)), tmp_path / "learned.nc")
    assert "fitted to other series" in refused(lambda: baseline_fit.load(tmp_path / "learned.nc"))
