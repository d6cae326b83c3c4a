import numpy as np
import pytest
import simulated

from oa_sim import Refusal, definitions
from oa_sim.inference import baseline_model, observations
from oa_sim.inference.sampling import load_pymc
from oa_sim.inputs import areas

pytestmark = pytest.mark.filterwarnings("ignore")  # PyMC warns of potentials when it draws from priors, which is meant


GONE = {
    **{"joint levels": "level_partials", "joint deviations": "deviation_alike", "cohort link": "cohort_link"},
    **{"moving level": None, "free persistence": None, "breaks of areas": None, "London": "london"},
}


@pytest.fixture(scope="module")
def small():
    return simulated.play(simulated.small(), simulated.typical(), np.random.default_rng(1))


@pytest.fixture(scope="module")
def shipped(known):
    return observations.record(areas.history(known, until=2023))


# bands


def test_bands_hold_every_published_cell_once(shipped, small):
    for known in (shipped, small):
        found = baseline_model.bands(known)
        assert sum(band.value.size for band in found) == known.observed.sum()
        inside = np.sort(np.concatenate([band.value.ravel() for band in found]))
        np.testing.assert_array_equal(inside, np.sort(known.relative[known.observed > 0]))


def test_a_cell_of_a_band_knows_its_series_year_kin_and_size(small):
    for band in baseline_model.bands(small):
        for i, (s, year) in enumerate(zip(band.series, band.year, strict=True)):
            t = list(small.years).index(year)
            members = [list(small.relative[s, :, t]).index(value) for value in band.value[:, i]]
            assert band.kin[i] == small.kin[s, t]
            assert band.sampling[i] == pytest.approx(small.sampling[s, members, t].mean())


def test_bands_come_in_one_order_and_authorities_of_one_size_together(small):
    rng = np.random.default_rng(5)
    sizes = rng.permutation(np.linspace(0.001, 0.01, len(small.areas)))
    known = observations.Record(**vars(small) | {"sampling": small.sampling * 0 + sizes[None, :, None]})
    one, other = baseline_model.bands(known, size=4), baseline_model.bands(known, size=4)
    for mine, theirs in zip(one, other, strict=True):
        for name in mine._fields:
            np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name))
    alike = {(len(band.series), band.mean[0]): [] for band in one}  # London apart
    for band in one:
        assert len(band.value) <= 4
        alike[len(band.series), band.mean[0]].append(band.sampling[0])
    assert all(np.all(np.diff(means) > 0) for means in alike.values())


# the model


def density(described):
    """Return the log density at the initial point."""
    parts = described.compile_logp(mode="FAST_COMPILE", sum=False)  # so many that Python cannot add them in one go
    return sum(float(part.sum()) for part in parts(described.initial_point()))


def density_inputs(described):
    """Return what the model gives to the density of the record, as graphs."""
    from pytensor.graph.traversal import ancestors

    from oa_sim.inference.baseline_likelihood import RecordDensity

    nodes = [node.owner for node in ancestors(described.potentials) if node.owner]
    return next(node for node in nodes if isinstance(node.op, RecordDensity)).inputs


def test_the_model_of_the_packages_own_record_has_a_finite_density(shipped):
    described = baseline_model.model(shipped)
    assert np.isfinite(density(described))


def test_a_model_of_fewer_series_builds_too(small):
    described = baseline_model.model(small)
    assert described.coords["series"] == tuple(baseline_model.labels(simulated.SERIES))
    assert np.isfinite(density(described))


@pytest.mark.parametrize(("part", "gone"), GONE.items())
def test_each_part_can_be_left_out(small, part, gone):
    assert set(GONE) == set(baseline_model.PARTS)
    described = baseline_model.model(small, without=(part,))
    assert np.isfinite(density(described))
    assert gone is None or gone not in described.named_vars


def test_a_part_that_is_not_there_is_refused(small):
    with pytest.raises(Refusal, match="joint levels"):
        baseline_model.model(small, without=("levels",))


def test_partial_correlations_make_a_correlation_matrix():
    partials = np.random.default_rng(1).normal(0, 1, (3, 2, 15 * 14 // 2))
    found = baseline_model.correlation(partials, definitions.series())
    assert found.shape == (3, 2, 15, 15)
    np.testing.assert_allclose(np.diagonal(found, axis1=-2, axis2=-1), 1.0)
    assert np.linalg.eigvalsh(found).min() > 0
    np.testing.assert_allclose(baseline_model.correlation(np.zeros(6), definitions.series()[:4]), np.eye(4))


def test_every_series_is_told_once():
    assert sorted(baseline_model.TOLD) == sorted(definitions.series())


def test_a_partial_correlation_is_what_is_left_once_earlier_series_are_known():
    names = definitions.series()
    partials = np.random.default_rng(1).normal(0, 0.7, 15 * 14 // 2)
    labels, every = baseline_model.labels(names), baseline_model.correlation(partials, names)
    for pair, value in zip(baseline_model.pairs(names), partials, strict=True):
        one, other = (labels.index(label) for label in pair.split(" | "))
        before = [names.index(name) for name in baseline_model.TOLD[: baseline_model.TOLD.index(names[other])]]
        two = [one, other]
        left = every[np.ix_(two, two)]
        if before:
            gain = every[np.ix_(two, before)] @ np.linalg.inv(every[np.ix_(before, before)])
            left = left - gain @ every[np.ix_(before, two)]
        assert left[0, 1] / np.sqrt(left[0, 0] * left[1, 1]) == pytest.approx(np.tanh(value), abs=1e-8), pair


def test_the_model_computes_the_levels_and_deviations_that_the_functions_say(small):
    described = baseline_model.model(small)
    names = [name for name in simulated.FREE if name in described.named_vars]
    given = ("mean", "trend", "level", "drift", "broken", "deviation", "pace", "noise", "link", "luck", "freedom")
    wanted = [*density_inputs(described), *(described[name] for name in names)]
    drawn = load_pymc().draw(wanted, random_seed=1, mode="FAST_COMPILE")
    value = dict(zip([*given, *names], drawn, strict=True))  # "freedom" is the same in both
    for part, sd in (("level", "level_sd"), ("drift", "drift_sd"), ("broken", "area_break_sd")):
        together = baseline_model.correlation(value["level_partials"], simulated.SERIES)
        np.testing.assert_allclose(value[part], together * np.outer(value[sd], value[sd]))
        np.testing.assert_allclose(value[part], simulated.levels(value["level_partials"], value[sd], simulated.SERIES))
    alike = np.eye(5)
    alike[0, 1] = alike[1, 0] = value["deviation_alike"][0]
    alike[2, 3] = alike[3, 2] = value["deviation_alike"][1]
    long_run = baseline_model.covariance(alike, value["deviation_sd"], value["persistence"])
    np.testing.assert_allclose(value["deviation"], long_run, rtol=1e-10)
    np.testing.assert_allclose(value["noise"], value["noise_sd"] ** 2)
    np.testing.assert_allclose(value["link"], [*np.repeat(value["cohort_link"][:2], 2), 0.0])
    np.testing.assert_allclose(value["mean"], [*value["mu"], *(value["mu"] + value["london"])])
    np.testing.assert_allclose(value["trend"], [*(-0.16 * value["london_trend"]), *(0.84 * value["london_trend"])])


@pytest.mark.parametrize("seed", range(5))
def test_deviations_that_revert_at_their_own_pace_have_a_positive_definite_covariance(seed):
    rng = np.random.default_rng(seed)
    n = 8
    alike = baseline_model.correlation(rng.normal(0, 2, n * (n - 1) // 2), definitions.series()[:n])
    sd, persistence = rng.uniform(0.01, 0.3, n), rng.uniform(0.0, 0.999, n)
    found = baseline_model.covariance(alike, sd, persistence)
    assert np.linalg.eigvalsh(found).min() > 0
    np.testing.assert_allclose(np.diag(found), sd**2)
    push = alike * np.outer(sd * np.sqrt(1 - persistence**2), sd * np.sqrt(1 - persistence**2))
    np.testing.assert_allclose(found, np.outer(persistence, persistence) * found + push)  # a year later it is the same


def test_deviations_that_revert_alike_are_as_alike_as_their_shocks():
    alike = baseline_model.correlation(np.array([0.5, -0.3, 0.8]), definitions.series()[:3])
    sd = np.array([0.1, 0.2, 0.05])
    np.testing.assert_allclose(baseline_model.covariance(alike, sd, np.full(3, 0.8)), alike * np.outer(sd, sd))


def test_partners_are_the_two_groups_of_a_measure():
    found = baseline_model.partners(simulated.SERIES)
    assert np.argwhere(found).tolist() == [[0, 1], [1, 0], [2, 3], [3, 2]]
