"""What would have been published without the programme: what moves it, and what does not."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from scipy.stats import t

from oa_sim import load_scenario
from oa_sim.definitions import LINKED, MEASURES, series
from oa_sim.inference import area_forecast, baseline_fit, counterfactual, district_law, observations
from oa_sim.inference.observations import National, Record
from oa_sim.inputs import areas, places, tables
from oa_sim.simulation.scenario_run import run

YEARS = list(range(2024, 2039))
LATENT = ("areas=[Blackpool,Norwich,Oldham]", "horizon=15")
OWN = "E07000148,"  # Norwich
EARLY = f"{OWN}good_level_of_development,"


@pytest.fixture(scope="module")
def many():
    """Give all the draws."""
    return baseline_fit.load()


@pytest.fixture(scope="module")
def posterior(many):
    """Give enough draws for a spread."""
    return many.isel(draw=slice(100))


@pytest.fixture(scope="module")
def project(posterior):
    """Answer the counterfactual on the latent scale, from the shipped tables or others."""

    def answer(*overrides, known=None, draws=posterior):
        known = known or tables.read_all()
        history = areas.history(known, 2023)
        return counterfactual.project(
            load_scenario(*LATENT, *overrides, start_year=YEARS[0]), draws, history, known, areas.pupils(known).rolls
        )

    return answer


@pytest.fixture(scope="module")
def plain(project):
    return project()


@pytest.fixture
def folder(tmp_path):
    """Give a copy of the shipped tables."""
    return shutil.copytree(tables.FOLDER, tmp_path / "data")


def edited(folder, name, edit):
    path = folder / f"{name}.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    changed = edit(lines)
    assert changed != lines
    path.write_text("\n".join(changed) + "\n", encoding="utf-8")


def width(result, **at):
    """Return the widths of the 90% intervals of the counterfactual, by year."""
    draws = result.draws.counterfactual.sel(at)
    low, high = (draws.quantile(share, ["chain", "draw"]) for share in (0.05, 0.95))
    return (high - low).values


# what does not move it


@pytest.mark.parametrize(
    "kept",
    [
        ("key_stage_2",),
        ("good_level_of_development", "suspensions"),
        tuple(name for name in MEASURES if name != "phonics"),
    ],
    ids=lambda kept: f"{len(kept)} measures",
)
def test_leaving_measures_out_changes_no_number_of_those_kept(project, plain, kept):
    xr.testing.assert_identical(project(f"measures=[{','.join(kept)}]"), plain.sel(measure=list(kept)))


@pytest.mark.parametrize("area", ["Blackpool", "Norwich", "Oldham"])
def test_leaving_areas_out_changes_no_number_of_those_kept(project, plain, area):
    xr.testing.assert_identical(project(f"areas={area}"), plain.sel(area=[area]))


def test_leaving_years_out_changes_no_number_of_those_kept(project, plain):
    xr.testing.assert_identical(project("horizon=5"), plain.sel(year=YEARS[:5]))


def test_anothers_record_changes_nothing(project, plain, known):
    moved = [dict(row) for row in known["outcomes"]]
    for row in moved:
        if row["place"] == "Blackpool" and row["measure"] != "suspensions":
            row["value"] *= 0.9
    found = project(known=known | {"outcomes": moved})
    assert not found.sel(area="Blackpool").equals(plain.sel(area="Blackpool"))
    others = {"area": ["Norwich", "Oldham"]}
    xr.testing.assert_identical(found.sel(others), plain.sel(others))


def test_the_same_draws_give_the_same_numbers(project, plain):
    xr.testing.assert_identical(project(), plain)


# what moves it


def test_dropping_a_districts_early_years_widens_them(folder, many, project, plain):
    edited(folder, "district_figures", lambda lines: [line for line in lines if not line.startswith(EARLY)])
    asked = ("areas=Norwich", "horizon=5", "measures=[good_level_of_development]")
    full, fewer = (
        run(load_scenario(*asked, *more, start_year=YEARS[0]), posterior=many)
        for more in ((), (f"data_folder={folder}",))
    )
    for group in ("disadvantaged", "other", "all"):
        assert width(fewer, group=group, year=2024) > width(full, group=group, year=2024), group
    # in later years England's course hides it, so that is taken as known
    given = {"known": tables.read_all(folder), "draws": many.assign(national_sd=xr.full_like(many.national_sd, 1e-6))}
    at = {"area": "Norwich", "measure": "good_level_of_development", "group": "other"}
    full, fewer = (
        project("areas=Norwich", **some).sel(at).std(["chain", "draw"]).values
        for some in (given | {"known": None}, given)
    )
    assert (fewer > full).all()
    others = {"area": ["Blackpool", "Oldham"]}
    xr.testing.assert_identical(project(known=given["known"]).sel(others), plain.sel(others))


def test_a_district_without_figures_of_its_own_is_known_worst(folder, posterior):
    asked = ("areas=Norwich", "horizon=5", "measures=[good_level_of_development]")
    spreads = [width(run(load_scenario(*asked), posterior=posterior), group="other")]
    edited(folder, "district_figures", lambda lines: [line for line in lines if not line.startswith(OWN)])
    spreads.append(width(run(load_scenario(*asked, f"data_folder={folder}"), posterior=posterior), group="other"))
    assert (spreads[1] > spreads[0]).all()


def test_a_proxy_is_marked_and_wider_than_its_county(posterior):
    ours, county = (
        run(load_scenario(f"areas=[{area}]", "horizon=5"), posterior=posterior) for area in ("Norwich", "Norfolk")
    )
    phonics = "measure == 'phonics' and quantity == 'counterfactual'"
    assert ours.summary().query(phonics).proxy.all()
    assert not county.summary().query(phonics).proxy.any()
    for group in ("disadvantaged", "other", "all"):
        at = {"measure": "phonics", "group": group}
        assert (width(ours, area="Norwich", **at) > width(county, area="Norfolk", **at)).all(), group


def of_norwich(known, **moved):
    """Give Norwich's history with its own figures changed, and its rolls."""
    here = {"area": "Norwich"}
    history = areas.history(known, 2023).sel(here)
    return history.assign({name: change(history) for name, change in moved.items()}), areas.pupils(known).rolls.sel(
        here
    )


def test_a_districts_observations_are_its_figures_less_its_countys(known):
    history, rolls = of_norwich(known)
    seen = counterfactual.own_observations(history, rolls)
    at = {name: s for s, name in enumerate(series())}
    years = {}
    for each in seen:
        years.setdefault(tuple(np.flatnonzero(each.weights).tolist()), []).append(each.year)
    both = tuple(at["key_stage_2", group] for group in ("disadvantaged", "other"))
    early, older = (
        tuple(at[name, group] for group in ("disadvantaged", "other"))
        for name in ("good_level_of_development", "attainment_8")
    )
    assert both not in years  # both groups are known, and all pupils would count them twice
    assert years[both[:1]] == years[both[1:]] == [2016, 2017, 2018, 2019, 2023]
    assert years[early] == [2014, 2015, 2016, 2017, 2018, 2019]
    assert years[older] == years[at["persistent_absence", "all"],] == [2019]
    attainment = next(each for each in seen if each.weights[older[0]])
    assert attainment.value == pytest.approx((45.86 - 45.34) / 19.0)
    assert attainment.variance == pytest.approx(1 / 966)
    assert attainment.weights.sum() == pytest.approx(1)
    # of two groups one of which is not known, all pupils stand for both
    alone = history.assign(own=history.own.where(history.group != "other"))
    kept = [
        each
        for each in counterfactual.own_observations(alone, rolls)
        if np.flatnonzero(each.weights).tolist() == [*both]
    ]
    assert len(kept) == 5


def test_what_towns_say_of_level_3_moves_a_district_by_less_than_they_do(known):
    without = known | {"district_figures": [row for row in known["district_figures"] if row["error"] is None]}
    area, law = {"area": "Hastings"}, district_law.law()
    rolls = areas.pupils(known).rolls.sel(area)
    seen, fewer = (
        counterfactual.own_observations(areas.history(some, 2023).sel(area), rolls) for some in (known, without)
    )
    (town,) = [each for each in seen if each.weights[series().index(("level_3_by_19", "other"))]]
    assert len(seen) == len(fewer) + 2  # and higher education
    assert 0.1 < np.sqrt(town.variance) < 0.2
    loading = np.concatenate([town.weights] * 2)
    (mean, spread), (before, wider) = (district_law.state_after(law, some, 2023) for some in (seen, fewer))
    assert loading @ spread @ loading < loading @ wider @ loading
    # the law had put it there from other measures, which checks it: towns are no part of what it was learned from
    assert abs(town.value - loading @ before) < 2 * np.sqrt(town.variance + loading @ wider @ loading)
    assert min(town.value, loading @ before) <= loading @ mean <= max(town.value, loading @ before)


def test_figures_equal_to_the_countys_leave_it_where_it_is_and_less_uncertain(known):
    as_county, rolls = of_norwich(
        known, own=lambda history: history.own_county, rough_own=lambda history: history.rough_own_county
    )
    law = district_law.law()
    seen = counterfactual.own_observations(as_county, rolls)
    (mean, spread), (nothing, before) = (district_law.state_after(law, some, 2023) for some in (seen, []))
    np.testing.assert_allclose(mean, 0, atol=1e-12)
    np.testing.assert_array_equal(nothing, 0)
    n = len(law.pace)
    sd, sd_before = (np.sqrt(np.diagonal(of)[:n] + np.diagonal(of)[n:]) for of in (spread, before))
    assert (sd < sd_before).all()
    assert sd[series().index(("key_stage_2", "other"))] < 0.6 * sd_before[series().index(("key_stage_2", "other"))]


def test_schools_that_are_suppressed_make_a_figure_less_certain(known):
    history, rolls = of_norwich(known)
    history = history.assign(rough_own=history.rough_own * np.nan)
    fewer = history.assign(own_pupils=history.own_pupils / 2)
    for one, other in zip(*(counterfactual.own_observations(some, rolls) for some in (history, fewer)), strict=True):
        assert other.variance == pytest.approx(2 * one.variance)
        assert other.value == one.value


def test_a_districts_own_figures_move_its_course_by_as_much_as_the_law_says(known, many):
    history, rolls = areas.history(known, 2023), areas.pupils(known).rolls
    moved = counterfactual.off_county(history, "Hastings", YEARS, (4, 500), rolls, 1)
    at = series().index(("attainment_8", "other"))
    assert moved[:, :, at, 0].mean() == pytest.approx(-0.34, abs=0.03)  # its pupils score 7 points less
    seen = counterfactual.own_observations(history.sel(area="Hastings"), rolls.sel(area="Hastings"))
    mean, _ = district_law.state_after(district_law.law(), seen, 2023)
    law, n = district_law.law(), len(series())
    expected = law.level_pace * mean[:n] + law.pace * mean[n:]
    error = moved[..., 0].std(axis=(0, 1)) / np.sqrt(2000)
    assert (abs(moved[..., 0].mean(axis=(0, 1)) - expected) < 4.5 * error).all()


def test_another_districts_figures_change_nothing(known, project):
    others = known | {"district_figures": [row for row in known["district_figures"] if row["code"] != "E07000062"]}
    asked = "areas=[Hastings,Norwich]"
    plain, found = (project(asked, known=some) for some in (known, others))
    assert not found.sel(area="Hastings").equals(plain.sel(area="Hastings"))
    xr.testing.assert_identical(found.sel(area="Norwich"), plain.sel(area="Norwich"))


def test_two_districts_of_one_county_share_its_course_and_not_the_luck_of_pupils(known, posterior, project):
    both, alone = areas_of(known, "Norwich", "Breckland"), areas_of(known, "Norwich")
    pair, one = project("areas=[Breckland,Norwich]", known=both), project("areas=[Norwich]", known=alone)
    xr.testing.assert_identical(pair.sel(area=["Norwich"]), one)
    history, rolls, size = areas.history(both, 2023), areas.pupils(both).rolls, (posterior.sizes["chain"], 100)
    s, at = series().index(("key_stage_2", "other")), {"measure": "key_stage_2", "group": "other"}
    off = {name: counterfactual.off_county(history, name, YEARS, size, rolls, 17)[:, :, s] for name in pair.area.values}
    assert np.corrcoef(*(part[:, :, 4].ravel() for part in off.values()))[0, 1] < 0
    seed = load_scenario(*LATENT).seed
    off = {name: counterfactual.off_county(history, name, YEARS, size, rolls, seed)[:, :, s] for name in off}
    course = [(pair.sel(at).sel(area=name) - pair.national.sel(at)).values - part for name, part in off.items()]
    alike = [np.corrcoef(*(part[:, :, year].ravel() for part in course))[0, 1] for year in (1, 9)]
    assert 0.3 < min(alike) < max(alike) < 0.99  # one course of the county, and an error of each


def areas_of(known, *names):
    """Give the tables with some areas of England by their names."""
    return places.with_places(known, names)


def test_the_children_of_a_county_do_not_carry_their_luck_to_its_district(project, plain, known, posterior):
    unlinked = posterior.assign(cohort_link=xr.zeros_like(posterior.cohort_link))
    found = project("areas=[Norwich]", draws=unlinked).sel(measure="key_stage_2")
    difference = found - plain.sel(area=["Norwich"], measure="key_stage_2")
    seen = observations.record(areas.history(known, 2023))
    law = area_forecast.law(unlinked, seen.series)
    centres = [
        area_forecast.relative(
            kind, seen, "Norwich", YEARS, counterfactual.last_variance(seen, "Norwich"), np.random.default_rng(1),
            is_proxy=True,
        )[0]
        for kind in (law, area_forecast.law(posterior, seen.series))
    ]  # fmt: skip
    np.testing.assert_allclose(*centres, atol=1e-12)
    assert float(abs(difference.median()).max()) < 0.02


def test_an_area_above_its_own_mean_is_expected_to_come_part_of_the_way_back(posterior, known):
    seen = observations.record(areas.history(known, 2023))
    law, a, s = area_forecast.law(posterior, seen.series), seen.areas.index("Blackpool"), 4
    behind = counterfactual.last_variance(seen, "Blackpool")
    lifted = seen.relative.copy()
    last = np.flatnonzero(seen.observed[s, a])[-1]
    lifted[s, a, last] += 0.3
    centres = [
        area_forecast.relative(law, one, "Blackpool", YEARS, behind, np.random.default_rng(1))[0][:, s].mean(0)
        for one in (seen, replace(seen, relative=lifted))
    ]
    moved = centres[1] - centres[0]
    assert (moved > 0).all()
    assert moved[0] < 0.3
    assert (np.diff(moved) < 0).all()


# England


def national_of(posterior, one, years=YEARS, breaks=(), **given):
    """Return England's course (draw, series, year) where each series has one record, the posterior what is given."""
    names = list(series())
    seen = Record(names, [], np.array([]), *(np.zeros(0),) * 3, np.zeros((0, 0)), [one] * len(names), np.zeros(0))
    given = {name: xr.full_like(posterior[name], value) for name, value in given.items()}
    return counterfactual.national(posterior.assign(given), seen, years, list(breaks), 1)


def course(*figures, last_year=2023):
    return National(np.arange(last_year - len(figures) + 1, last_year + 1), np.array(figures), (), ())


STILL = course(0.4, 0.4, 0.4, 0.4)


def changes(drawn, last=0.4):
    return np.diff(np.concatenate([np.full((*drawn.shape[:2], 1), last), drawn], axis=2), axis=2)


def test_without_a_trend_years_to_come_are_a_walk_from_the_last_figure(many):
    moved = changes(national_of(many, course(0.2, 0.4), national_trend=1e-9, national_sd=0.05))
    assert (abs(moved.mean(0)) < 4.5 * 0.05 / np.sqrt(len(moved))).all()
    assert (abs(moved.std(0) / 0.05 - 1) < 4.5 / np.sqrt(2 * len(moved))).all()


def test_a_steady_rise_goes_on_and_is_damped(many):
    rise = course(*np.linspace(0.0, 0.4, 9))
    moved = changes(national_of(many, rise, national_trend=1.0, national_damping=0.8, national_sd=0.02)).mean((0, 1))
    assert 0.02 < moved[0] < 0.05
    assert moved[-1] < 0.3 * moved[0]


def test_in_the_long_run_no_course_leaves_the_scale(many, known):
    """Fifteen years on, 90% of draws of each series lie within 0.9 SD of where England stands.

    Level 3 of disadvantaged pupils rose by 0.5 SD in the ten years to 2015.
    """
    seen = observations.record(areas.history(known, 2023))
    drawn = counterfactual.national(many, seen, YEARS, known["breaks"], 1)
    for s, name in enumerate(seen.series):
        low, high = np.quantile(drawn[:, s, -1] - seen.national[s].figures[-1], [0.05, 0.95])
        assert -0.9 < low < high < 0.9, (name, low, high)
        narrow = np.quantile(drawn[:, s, 0] - seen.national[s].figures[-1], [0.05, 0.95])
        assert high - low > 1.5 * (narrow[1] - narrow[0]), name


def test_two_groups_of_a_measure_move_alike_and_two_measures_do_not(many):
    given = {"national_damping": 0.0, "national_sd": 0.05, "groups_alike": 0.9}
    moved = changes(national_of(many, STILL, **given))
    names = list(series())
    for s, (measure, group) in enumerate(names):
        for r, (another, _) in enumerate(names[:s]):
            alike = np.corrcoef(moved[:, s].ravel(), moved[:, r].ravel())[0, 1]
            assert alike == pytest.approx(0.9 if another == measure else 0.0, abs=0.03), (measure, group, another)


def test_a_record_that_ends_earlier_is_carried_to_the_same_years(many):
    early, late = (
        national_of(many, course(0.4, 0.4, last_year=year), national_sd=0.05, national_trend=0.3)
        for year in (2019, 2023)
    )
    assert early.shape == late.shape
    assert (early[..., 0].std(0) > late[..., 0].std(0)).all()


def declared(kind, first, last, measure="key_stage_2"):
    return {"measure": measure, "first_year": first, "last_year": last, "kind": kind}


def test_a_shift_of_level_widens_england_from_its_year_on(many):
    plain, shifted = (national_of(many, STILL, breaks=rows) for rows in ((), [declared("level_shift", 2027, 2027)]))
    for s, (measure, _) in enumerate(series()):
        before, after = plain[:, s].std(0), shifted[:, s].std(0)
        np.testing.assert_array_equal(plain[:, s, :3], shifted[:, s, :3])
        if measure == "key_stage_2":
            assert (after[3:] > before[3:]).all()
            step = (shifted - plain)[:, s, 3:]  # a part that stays, and one that halves every year
            stays, fades = 2 * step[:, 1] - step[:, 0], 2 * (step[:, 0] - step[:, 1])
            np.testing.assert_allclose(step, stays[:, None] + fades[:, None] * 0.5 ** np.arange(12), atol=1e-12)
            for part in (stays, fades):  # sizes of breaks differ: Student's t with four degrees of freedom
                found = np.quantile(part / many.break_sd.values.ravel(), [0.1, 0.25, 0.75, 0.9])
                np.testing.assert_allclose(found, t(4).ppf([0.1, 0.25, 0.75, 0.9]), atol=0.15)
        else:
            np.testing.assert_array_equal(plain[:, s], shifted[:, s])


def test_years_that_are_graded_otherwise_are_moved_alone(many):
    rows = [declared("regraded", 2026, 2027)]
    plain, moved = (national_of(many, STILL, breaks=some) for some in ((), rows))
    differs = (plain != moved).any(axis=0)
    for s, (measure, _) in enumerate(series()):
        expected = [year in (2026, 2027) and measure == "key_stage_2" for year in YEARS]
        assert differs[s].tolist() == expected, measure


def test_a_year_that_is_not_collected_moves_nothing(many):
    plain, same = (national_of(many, STILL, breaks=rows) for rows in ((), [declared("not_collected", 2025, 2026)]))
    np.testing.assert_array_equal(plain, same)


def test_a_break_before_the_last_figure_is_no_news(many):
    plain, same = (national_of(many, STILL, breaks=rows) for rows in ((), [declared("level_shift", 2019, 2023)]))
    np.testing.assert_array_equal(plain, same)


def test_a_break_declared_in_the_table_widens_what_is_published_from_that_year_on(folder, posterior):
    row = "key_stage_2,2028,2028,level_shift,made up for a test,LAIT,found"
    edited(folder, "breaks", lambda lines: [*lines, row])
    asked = ("areas=[Blackpool,Norwich]", "horizon=6", "measures=[phonics,key_stage_2]")
    plain, broken = (
        run(load_scenario(*asked, *more), posterior=posterior) for more in ((), (f"data_folder={folder}",))
    )
    for area in ("Blackpool", "Norwich"):
        at = {"area": area, "measure": "key_stage_2", "group": "disadvantaged"}
        one, other = width(plain, **at), width(broken, **at)
        np.testing.assert_array_equal(one[:2], other[:2])
        assert (other[2:] > one[2:]).all()
    kept = {"measure": "phonics"}
    xr.testing.assert_identical(
        plain.draws.counterfactual.sel(kept).drop_attrs(), broken.draws.counterfactual.sel(kept).drop_attrs()
    )
    assert plain.manifest["data_hash"] != broken.manifest["data_hash"]


# the law of a draw


def test_the_law_is_what_the_posterior_says(posterior):
    names = list(series())
    law = area_forecast.law(posterior, names)
    at = {"chain": 2, "draw": 7}
    one, d = posterior.isel(at), 2 * posterior.sizes["draw"] + 7
    np.testing.assert_array_equal(law.mean[d], one.mu)
    np.testing.assert_allclose(np.sqrt(np.diag(law.level[d])), one.level_sd)
    sd, pace = one.deviation_sd.values, one.persistence.values
    long_run = law.shock[d] / (1 - np.outer(pace, pace))
    np.testing.assert_allclose(np.sqrt(np.diag(long_run)), sd)
    np.testing.assert_allclose(law.noise[d], one.noise_sd.values**2)
    for s, (measure, _) in enumerate(names):
        linked = measure in LINKED
        assert law.link[d, s] == (float(one.cohort_link.sel(linked=measure)) if linked else 0.0)
        for r, (another, _) in enumerate(names[:s]):
            alike = law.shock[d, s, r] / np.sqrt(law.shock[d, s, s] * law.shock[d, r, r])
            expected = float(one.deviation_alike.sel(linked=measure)) if another == measure else 0.0
            assert alike == pytest.approx(expected, abs=1e-12)
