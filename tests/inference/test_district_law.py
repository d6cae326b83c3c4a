"""The law of a district less its county: exact, calibrated on districts, and the same for the same question."""

import numpy as np
import pytest

from oa_sim import Refusal
from oa_sim.definitions import series
from oa_sim.inference import district_law
from oa_sim.inference.district_law import DistrictLaw, Observation

N = len(series())


def of(measure, group="all"):
    weights = np.zeros(N)
    weights[series().index((measure, group))] = 1.0
    return weights


def drawn_courses(law, seen, years, n_draws, rng):
    return district_law.courses(law, seen, years, rng.standard_normal((len(years) + 1, n_draws, 2 * N)))


def joint(law, years):
    """Give the covariance of level plus deviation (year and series, year and series), written the plain way."""
    apart = np.abs(np.subtract.outer(years, years))
    levels = np.kron(law.level_pace**apart, law.level)
    reverting = law.shock / (1 - np.outer(law.pace, law.pace))
    out = levels.copy()
    for i, first in enumerate(years):
        for j, second in enumerate(years):
            earlier, later = sorted((first, second))
            carried = np.diag(law.pace ** (later - earlier))
            block = carried @ reverting if first >= second else reverting @ carried
            out[i * N : (i + 1) * N, j * N : (j + 1) * N] += block
    return out


def test_the_filter_gives_the_exact_conditional():
    law = district_law.law()
    rng = np.random.default_rng(1)
    mixed = 0.3 * of("attainment_8", "disadvantaged") + 0.7 * of("attainment_8", "other")
    seen = [
        Observation(2016, of("key_stage_2", "other"), 0.12, 0.002),
        Observation(2019, of("key_stage_2", "other"), 0.05, 0.002),
        Observation(2019, mixed, -0.3, 0.001),
        Observation(2019, of("persistent_absence"), 0.1, 0.001),
        Observation(2023, of("key_stage_2", "disadvantaged"), 0.2, 0.01),
    ]
    years = list(range(2016, 2026))
    whole = joint(law, years)
    loading = np.zeros((len(seen), len(years) * N))
    for row, each in zip(loading, seen, strict=True):
        start = (each.year - 2016) * N
        row[start : start + N] = each.weights
    error = np.diag([each.variance + each.weights**2 @ law.noise for each in seen])
    gain = np.linalg.solve(loading @ whole @ loading.T + error, loading @ whole).T
    mean = gain @ [each.value for each in seen]
    spread = whole - gain @ loading @ whole
    mean_state, spread_state = district_law.state_after(law, seen[::-1], 2023)  # in any order
    both = np.hstack([np.eye(N), np.eye(N)])
    last = slice(7 * N, 8 * N)
    np.testing.assert_allclose(both @ mean_state, mean[last], atol=1e-10)
    np.testing.assert_allclose(both @ spread_state @ both.T, spread[last, last], atol=1e-10)
    drawn = drawn_courses(law, seen, [2024, 2025], 40_000, rng)
    ahead = slice(9 * N, 10 * N)
    np.testing.assert_allclose(drawn[:, :, 1].mean(axis=0), mean[ahead], atol=0.005)
    np.testing.assert_allclose(np.cov(drawn[:, :, 1].T), spread[ahead, ahead], atol=0.002)


def test_nothing_known_leaves_how_districts_differ_and_a_figure_narrows_what_is_like_it():
    law = district_law.law()
    wide = drawn_courses(law, [], [2026], 20_000, np.random.default_rng(2))[:, :, 0]
    variance = np.diagonal(law.level) + np.diagonal(law.shock) / (1 - law.pace**2)
    np.testing.assert_allclose(wide.var(axis=0), variance, rtol=0.05)
    seen = [Observation(2025, of("attainment_8", "other"), -0.5, 0.001)]
    near = drawn_courses(law, seen, [2026], 20_000, np.random.default_rng(2))[:, :, 0]
    narrower = near.std(axis=0) / wide.std(axis=0)
    assert narrower[series().index(("attainment_8", "other"))] < 0.5
    assert narrower[series().index(("level_3_by_19", "other"))] < 0.8
    assert near[:, series().index(("level_3_by_19", "other"))].mean() < -0.15
    assert near[:, series().index(("persistent_absence", "all"))].mean() > 0.03


def test_the_law_is_one():
    law = district_law.law()
    for covariance in (law.level, law.shock):
        np.testing.assert_allclose(covariance, covariance.T, atol=1e-12)
        assert np.linalg.eigvalsh(covariance).min() > -1e-8
    assert ((law.pace > 0) & (law.pace < 1)).all()
    assert 0.9 < law.level_pace < 1
    assert (law.noise > 0).all()


def test_the_same_stream_gives_the_same_courses_and_a_later_figure_is_refused():
    law = district_law.law()
    seen = [Observation(2019, of("suspensions"), 0.1, 0.01)]
    first, second = (drawn_courses(law, seen, [2020, 2021], 5, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    with pytest.raises(Refusal, match="2018 or before"):
        district_law.state_after(law, seen, 2018)


def test_a_law_of_other_series_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "district_law.json"
    path.write_text('{"series": [["key_stage_2", "all"]]}')
    monkeypatch.setattr(district_law, "FILE", path)
    district_law.law.cache_clear()
    with pytest.raises(Refusal, match="series of this version"):
        district_law.law()
    monkeypatch.undo()
    district_law.law.cache_clear()
    assert isinstance(district_law.law(), DistrictLaw)


def test_a_small_district_moves_more_and_the_typical_one_as_the_law_says():
    law = district_law.law()
    np.testing.assert_array_equal(district_law.of_size(law, law.pupils).shock, law.shock)
    small = district_law.of_size(law, law.pupils / 4)
    s = [series().index(("key_stage_2", group)) for group in ("disadvantaged", "other")]
    ratio = np.diagonal(small.shock) / np.diagonal(law.shock)
    np.testing.assert_allclose(ratio[s], 4 ** law.size_power[s])
    assert (law.size_power[s] > 0.5).all()
    np.testing.assert_array_equal(np.delete(ratio, s), 1.0)


def test_what_is_carried_on_has_the_moments_of_the_courses():
    law = district_law.law()
    seen = [Observation(2019, of("key_stage_2", "other"), 0.2, 0.002)]
    mean, spread = district_law.carried_on(law, *district_law.state_after(law, seen, 2019), 3)
    drawn = drawn_courses(law, seen, [2020, 2021, 2022], 40_000, np.random.default_rng(4)).transpose(0, 2, 1)
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=0.006)
    covariance = np.cov(drawn.reshape(len(drawn), -1).T).reshape(spread.shape)
    np.testing.assert_allclose(covariance, spread, atol=0.0015)
    np.testing.assert_allclose(spread[0, :, 2], spread[2, :, 0].T)
