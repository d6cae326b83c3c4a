"""The course of an area ahead: the density of new figures is that of the joint law."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from oa_sim import definitions
from oa_sim.inference import (
    area_forecast,
    baseline_fit,
    counterfactual,
    observations,
)
from oa_sim.inputs import areas, tables

AREAS = ["Derby", "Norwich", "Oldham"]


@pytest.fixture(scope="module")
def known():
    rows = tables.read_all()
    here = rows | {"areas": [row for row in rows["areas"] if row["area"] in AREAS]}
    return observations.record(areas.history(here, 2023))


def law_of(draws=4):
    posterior = baseline_fit.load(draws=10).isel(chain=[0], draw=slice(draws))
    return posterior, area_forecast.law(posterior, definitions.series())


def test_the_density_of_new_figures_is_that_of_the_joint_law(known):
    """Sum of the steps of the filter = joint density of all figures less that of the earlier ones, by algebra."""
    _, hyper = law_of(2)
    for area in ("Derby", "Oldham"):
        told = area_forecast.log_density(hyper, known, area, 2022)
        cells = area_forecast.cells_of(known, area, 2024)
        for d in range(2):
            joint = covariance(hyper, d, cells)
            values = cells.value[0] - hyper.mean[d][cells.series]
            before = cells.year < 2022
            whole = multivariate_normal(np.zeros(len(values)), joint).logpdf(values)
            early = multivariate_normal(np.zeros(before.sum()), joint[np.ix_(before, before)]).logpdf(values[before])
            assert told[d] == pytest.approx(whole - early, abs=1e-6)


def covariance(hyper, d, cells):
    """Return the covariance of figures from the law's words, element by element."""
    s, y, kin = cells.series, cells.year, cells.kin
    apart = np.abs(y[:, None] - y[None])
    level = hyper.level[d][np.ix_(s, s)] * hyper.level_pace[d] ** apart
    pace = hyper.pace[d]
    late = np.where(y[:, None] >= y[None], pace[s][:, None], pace[s][None])
    shocks = hyper.shock[d][np.ix_(s, s)] / (1 - pace[s][:, None] * pace[s][None])
    link = np.where(kin >= 0, hyper.link[d][s], 0.0) * np.sqrt(cells.sampling)
    same = (kin[:, None] == kin[None]) & (kin[:, None] >= 0)
    own = np.where(kin >= 0, 1 - hyper.link[d][s] ** 2, 1.0) * cells.sampling + hyper.noise[d][s]
    return level + shocks * late**apart + same * np.outer(link, link) + np.diag(own)


def test_taking_off_what_was_brought_is_taking_it_off_the_figures(known):
    _, hyper = law_of(3)
    brought = np.zeros((3, len(known.series), len(known.years)))
    brought[1, :, -1] = 0.05
    plain, moved = (area_forecast.log_density(hyper, known, "Oldham", 2023, brought=b) for b in (None, brought))
    np.testing.assert_allclose(plain[[0, 2]], moved[[0, 2]])
    assert plain[1] != moved[1]
    lower = observations.Record(**(vars(known) | {"relative": known.relative - 0.05 * (known.years == 2023)}))
    np.testing.assert_allclose(moved[1], area_forecast.log_density(hyper, lower, "Oldham", 2023)[1])


def test_the_course_from_lowered_figures_is_lower_by_what_the_law_carries_on(known):
    _, hyper = law_of(2)
    rng = lambda: np.random.default_rng(0)  # noqa: E731  the same numbers for both
    behind = counterfactual.last_variance(known, "Oldham")
    brought = np.zeros((2, len(known.series), len(known.years)))
    brought[:, :, -1] = 0.1
    plain, _ = area_forecast.relative(hyper, known, "Oldham", [2024, 2025], behind, rng())
    moved, _ = area_forecast.relative(hyper, known, "Oldham", [2024, 2025], behind, rng(), brought=brought)
    fall = plain - moved
    assert (fall[:, :, 0] > 0).mean() > 0.9
    assert fall.max() < 0.2
