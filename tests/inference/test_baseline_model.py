import numpy as np
import pytest
import simulated
import xarray as xr

from oa_sim import Refusal, definitions
from oa_sim.definitions import GROUPS, MEASURES
from oa_sim.inference import baseline_model, link_functions, observations
from oa_sim.inference.sampling import load_pymc
from oa_sim.inputs import areas

pytestmark = pytest.mark.filterwarnings("ignore")  # PyMC warns of potentials when it draws from priors, which is meant
YEARS = range(2010, 2024)
GLD, KS2 = "good_level_of_development", "key_stage_2"
GONE = {
    **{"joint levels": "level_partials", "joint deviations": "deviation_alike", "cohort link": "cohort_link"},
    **{"moving level": "level_persistence", "free persistence": None},
}


def history(*figures, breaks=()):
    """Return a made-up history: figures (area, measure, group, {year: value}), and breaks {(measure, year): kind}."""
    coords = {"area": ["A", "B"], "group": list(GROUPS), "measure": list(MEASURES), "year": list(YEARS)}
    dims, shape = list(coords), [len(values) for values in coords.values()]
    made = xr.Dataset(
        {
            "published": (dims, np.full(shape, np.nan)),
            "england": (dims[1:], np.full(shape[1:], np.nan)),
            "behind": (dims[:3], np.full(shape[:3], 400.0)),
            "breaks": (dims[2:], np.zeros(shape[2:], int)),
        },
        coords,
    )
    for area, measure, group, values in figures:
        for year, value in values.items():
            at = {"measure": measure, "group": group, "year": year}
            if area == "England":
                made.england.loc[at] = value
            else:
                made.published.loc[at | {"area": area}] = value
    for (measure, year), kind in dict(breaks).items():
        made.breaks.loc[{"measure": measure, "year": year}] = kind
    return made


def course(values, breaks=(), measure=KS2):
    """Return England's course in one series of a made-up history."""
    made = observations.record(history(("England", measure, "other", values), breaks=breaks))
    return made.national[made.series.index((measure, "other"))]


@pytest.fixture(scope="module")
def small():
    return simulated.play(simulated.small(), simulated.typical(), np.random.default_rng(1))


@pytest.fixture(scope="module")
def shipped(known):
    return observations.record(areas.history(known, until=2023))


# the record of the areas


def test_the_record_is_the_distance_from_england_on_the_latent_scale():
    made = observations.record(history(("A", GLD, "other", {2016: 72.0}), ("England", GLD, "other", {2016: 65.0})))
    s, t = made.series.index((GLD, "other")), list(made.years).index(2016)
    assert made.relative[s, 0, t] == pytest.approx(
        link_functions.to_latent(GLD, 72.0) - link_functions.to_latent(GLD, 65.0)
    )
    assert made.observed.sum() == 1
    assert made.relative[made.observed == 0].tolist() == [0.0] * (made.relative.size - 1)


def test_a_figure_without_england_is_not_used():
    made = observations.record(history(("A", GLD, "other", {2016: 72.0}), ("England", GLD, "other", {2017: 65.0})))
    assert not made.observed.any()


def test_a_year_graded_otherwise_counts_for_areas_and_is_marked_for_england():
    both = {2019: 46.0, 2020: 50.0, 2022: 48.0}
    made = observations.record(
        history(
            ("A", "attainment_8", "other", both), ("England", "attainment_8", "other", both),
            breaks={("attainment_8", 2020): 2},
        )
    )  # fmt: skip
    s = made.series.index(("attainment_8", "other"))
    assert made.observed[s, 0].sum() == 3
    assert made.national[s].years.tolist() == [2019, 2020, 2022]
    assert made.national[s].otherwise == (2020,)
    assert made.national[s].shifts == ()


def test_what_lies_before_the_record_of_areas_is_kept_for_england():
    values = {2011: 60.0, 2012: 61.0, 2013: 62.0}
    made = observations.record(history(("A", KS2, "other", values), ("England", KS2, "other", values)), first=2013)
    s = made.series.index((KS2, "other"))
    assert made.years[0] == 2013
    assert made.observed[s].sum() == 1
    assert made.national[s].years.tolist() == [2011, 2012, 2013]


def test_the_sampling_variance_is_that_of_the_pupils_behind_a_figure():
    made = observations.record(history(("A", GLD, "other", {2016: 50.0}), ("England", GLD, "other", {2016: 50.0})))
    s, t = made.series.index((GLD, "other")), list(made.years).index(2016)
    assert made.sampling[s, 0, t] == pytest.approx(0.25 / (400 / (2 * np.pi)))  # p (1 - p) / (n phi(0)^2)


def test_the_same_children_are_kin_from_stage_to_stage_and_others_are_not():
    names, years = definitions.series(), np.arange(2010, 2031)
    kin = observations.kin(names, years)

    def at(measure, group, year):
        return kin[names.index((measure, group)), list(years).index(year)]

    reception = at(GLD, "disadvantaged", 2015)
    later = {"phonics": 2016, KS2: 2021, "attainment_8": 2026, "level_3_by_19": 2029, "he_entry_by_19": 2029}
    assert {at(measure, "disadvantaged", year) for measure, year in later.items()} == {reception}
    assert at("phonics", "disadvantaged", 2015) != reception
    assert at("phonics", "other", 2016) != reception
    for measure in ("neet_16_17", "persistent_absence", "suspensions"):
        assert at(measure, "all", 2016) == -1


def test_the_packages_own_record_has_figures_in_every_series(shipped):
    assert shipped.series == definitions.series()
    assert len(shipped.areas) == 24
    assert (shipped.observed.sum(axis=(1, 2)) > 0).all()
    assert np.isfinite(shipped.relative).all()
    assert np.abs(shipped.relative).max() < 1.5
    assert ((shipped.sampling > 0) & (shipped.sampling < 0.1)).all()


def test_englands_course_is_its_figures_with_what_is_declared():
    found = course({2014: 60.0, 2015: 61.0, 2018: 63.0}, breaks={(KS2, 2015): 1, (KS2, 2018): 2, (KS2, 2020): 2})
    assert found.years.tolist() == [2014, 2015, 2018]
    np.testing.assert_allclose(found.figures, link_functions.to_latent(KS2, np.array([60.0, 61.0, 63.0])))
    assert (found.shifts, found.otherwise) == ((2015,), (2018, 2020))


def test_england_without_figures_has_no_course():
    assert not len(course({}).years)


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
        for name in vars(mine):
            np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name))
    alike = {len(band.series): [] for band in one}
    for band in one:
        assert len(band.value) <= 4
        alike[len(band.series)].append(band.sampling[0])
    assert all(np.all(np.diff(means) > 0) for means in alike.values())


# the model


def density(described):
    """Return the log density at the initial point."""
    return described.compile_logp(mode="FAST_COMPILE")(described.initial_point())


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
    mean, parts, pace, noise, link = density_inputs(described)
    names = ["mu", "level_partials", "level_sd", "deviation_sd", "deviation_alike", "persistence", "level_persistence"]
    wanted = [described[name] for name in (*names, "noise_sd", "cohort_link")]
    drawn = load_pymc().draw([mean, parts, pace, noise, link, *wanted], random_seed=1, mode="FAST_COMPILE")
    value = dict(zip([*names, "noise_sd", "cohort_link"], drawn[5:], strict=True))
    np.testing.assert_allclose(
        drawn[1][0],
        baseline_model.correlation(value["level_partials"], simulated.SERIES)
        * np.outer(value["level_sd"], value["level_sd"]),
    )
    np.testing.assert_allclose(
        drawn[1][0], simulated.levels(value["level_partials"], value["level_sd"], simulated.SERIES)
    )
    alike = np.eye(5)
    alike[0, 1] = alike[1, 0] = value["deviation_alike"][0]
    alike[2, 3] = alike[3, 2] = value["deviation_alike"][1]
    np.testing.assert_allclose(
        drawn[1][1], baseline_model.covariance(alike, value["deviation_sd"], value["persistence"]), rtol=1e-10
    )
    np.testing.assert_allclose(drawn[2], [np.full(5, value["level_persistence"]), value["persistence"]])
    np.testing.assert_allclose(drawn[3], value["noise_sd"] ** 2)
    np.testing.assert_allclose(drawn[4], [*np.repeat(value["cohort_link"][:2], 2), 0.0])
    np.testing.assert_allclose(drawn[0], value["mu"])


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
