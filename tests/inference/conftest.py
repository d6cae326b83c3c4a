import pytest

from oa_sim.inference import posterior_files


@pytest.fixture
def written(tiny_posterior, tmp_path):
    posterior_files.write(tiny_posterior, tmp_path / "learned.nc")
    return tmp_path / "learned.nc"
