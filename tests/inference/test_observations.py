"""The record that is learned from: distances from England, sampling variances, kin, and England's own course."""

import numpy as np
import pytest
import xarray as xr

from oa_sim import definitions
from oa_sim.definitions import GROUPS, MEASURES
from oa_sim.inference import link_functions, observations
from oa_sim.inputs import areas

pytestmark = pytest.mark.filterwarnings("ignore")  # PyMC warns of potentials when it draws from priors, which is meant


YEARS = range(2010, 2024)
GLD, KS2 = "good_level_of_development", "key_stage_2"


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
def shipped(known):
    return observations.record(areas.history(known, until=2023))


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
