import numpy as np
import pytest

from oa_sim import Refusal, load_scenario
from oa_sim.inputs import areas, tables
from oa_sim.programme import budget, delivery, laws, parameters
from oa_sim.simulation.scenario_run import run

CLOCK = delivery.academic


@pytest.fixture(scope="module")
def pupils(known):
    return areas.pupils(known)


def drawn_of(known, *overrides, draws=200):
    scenario = load_scenario(*overrides)
    return scenario, parameters.drawn(scenario, known, 2, draws)


# when


def test_an_academic_year_runs_from_its_september():
    assert CLOCK(2017 + 8 / 12) == pytest.approx(2018)  # September 2017 begins 2017/18
    assert CLOCK(2018 + 7 / 12) == pytest.approx(2018 + 11 / 12)  # August 2018 is its last month


def test_delivery_ramps_in_a_straight_line_from_its_lag():
    # begins half a year in, full two years later: by hand, the mean over each year
    found = delivery.delivered(np.arange(4.0), 0.5, 2.0)
    np.testing.assert_allclose(found, [0.5 * 0.25 * 0.5, 0.5, 1 - 0.5 * 0.25 * 0.5, 1.0], atol=1e-12)


@pytest.mark.parametrize(
    ("begins", "announced", "expected"),
    [(2018.0, 2017.0, 2018.2), (2017.4, 2017.0, 2017.4), (2018.0, 2017.6, 2018.1), (2018.0, 2017.9, 2018.0)],
    ids=["wholly within", "work begun before", "announced half-way", "announced after"],
)
def test_a_stoppage_delays_by_the_work_that_stood_still(begins, announced, expected):
    assert delivery.stopped(begins, announced, 2017.5, 2017.7, 1.0) == pytest.approx(expected)


def test_two_stoppages_delay_by_both(known, pupils):
    overrides = ("start_year=2018", "areas=[Norwich]")
    lags = []
    for events in ("[]", "[general_election_2017]", "[change_of_minister_2018,general_election_2017]"):
        scenario, drawn = drawn_of(known, *overrides, f"organisation.events={events}")
        money = budget.allocate(scenario, pupils, known)
        lags.append(delivery.lag(scenario, money, drawn, "maths_mastery"))
    assert (lags[0] <= lags[1]).all()
    assert (lags[1] <= lags[2]).all()
    assert 0.05 < (lags[1] - lags[0]).mean() < 0.25  # three months, most of them before the first money


def test_nothing_is_delivered_before_the_first_money(known, pupils):
    scenario, drawn = drawn_of(known, "budget.announced_years_before=5")
    money = budget.allocate(scenario, pupils, known)
    assert delivery.lag(scenario, money, drawn, "maths_mastery").min() == 0.0


def test_small_lines_are_spared_open_procurement_and_large_ones_are_not(known, pupils):
    scenario, drawn = drawn_of(
        known, "areas=[Norwich,Oldham]", "split=custom", "split.shares={Norwich: 0.001, Oldham: 0.999}"
    )
    money = budget.allocate(scenario, pupils, known)
    small, large = np.moveaxis(delivery.lag(scenario, money, drawn, "maths_mastery")[..., 0], -1, 0)
    assert (small <= large).all()
    assert (small < large).mean() > 0.7


def test_an_event_outside_the_years_in_view_changes_nothing(known):
    scenario, drawn = drawn_of(known)
    years = np.arange(2024, 2040)
    assert (delivery.goes_on(drawn, years) == 1).all()
    assert not delivery.learning_lost(scenario, drawn, areas.pupils(known).share).any()


def test_a_pandemic_takes_activity_in_its_own_months_only(known):
    _, drawn = drawn_of(known, "scenario=with_covid")
    kept = delivery.goes_on(drawn, np.arange(2018, 2024))
    assert (kept[..., [0, 1, 4, 5]] == 1).all()
    assert (kept[..., 2:4] < 1).all()
    size = drawn.happens.sel(event="covid_19_delivery").values[..., None]
    np.testing.assert_allclose(1 - kept[..., 0, 2], size[..., 0] * 0.5)  # March to August of 2019/20


def test_a_learning_shock_is_largest_at_its_end_and_recovers(known, pupils):
    scenario, drawn = drawn_of(known, "scenario=with_covid")
    lost = delivery.learning_lost(scenario, drawn, pupils.share).sel(measure="key_stage_2", group="disadvantaged")
    course = lost.mean(["chain", "draw", "area"]).values
    assert course[:2].max() == 0 < course[2] < course[3]
    assert (np.diff(course[3:]) < 0).all()
    ratio = (lost.sel(year=2023) / lost.sel(year=2022)).mean()
    assert float(ratio) == pytest.approx(22 / 30, abs=0.02)


def test_a_shock_is_as_much_larger_for_the_disadvantaged_as_its_factor_says(known, pupils):
    scenario, drawn = drawn_of(
        known, "scenario=with_covid", "delivery.disadvantage_factor={dist: Normal, a: 1.5, b: 0.0001}"
    )
    lost = delivery.learning_lost(scenario, drawn, pupils.share).sel(measure="key_stage_2", year=2022)
    share = pupils.share.sel(measure="key_stage_2")
    ratio = (lost.sel(group="disadvantaged") / lost.sel(group="other")).mean(["chain", "draw"])
    np.testing.assert_allclose(ratio, 1.5 ** (1 - share.sel(area=ratio.area)), rtol=1e-3)


# how well


def test_fidelity_falls_only_beyond_what_a_school_takes():
    np.testing.assert_allclose(laws.fidelity(1 - 0.1, np.array([0.0, 3.0, 4.0, 5.0]) - 3), [1, 1, 0.9, 0.81])


def test_a_load_counts_programmes_where_they_are(known):
    scenario = load_scenario()
    one, half = np.ones((1, 1, 1, 1)), np.full((1, 1, 1, 1), 0.5)
    load = delivery.loads(scenario, {"home_learning": one, "maths_mastery": half, "attendance_support": one}, {})
    assert (load["settings"].item(), load["primary"].item(), load["secondary"].item()) == (1.0, 1.5, 1.0)


def test_all_of_an_interventions_year_groups_lie_in_some_stage_but_those_past_school():
    assert delivery.stages(list(range(0, 12))) == {"primary": pytest.approx(7 / 12), "secondary": pytest.approx(5 / 12)}
    assert delivery.stages([14]) == {}


# for what


@pytest.mark.parametrize("name", ["opportunity_north_east", "priority_education_investment_areas"])
def test_a_set_of_areas_is_rows_of_a_table(known, name):
    listed = {row["area"] for row in known["area_sets"] if row["area_set"] == name}
    assert set(load_scenario(f"areas={name}").areas.names) == listed


@pytest.mark.parametrize(
    ("table", "column", "value", "says"),
    [
        ("events", "first_month", "2017-13", "must be a month"),
        ("events", "what", "comissioning", "did you mean 'commissioning'"),
        ("events", "low", "5", "must be 0 to 2"),
        ("national", "take_up", "1.2", "must be 0 to 1"),
        ("national", "interventions", "", "must name one or more"),
        ("priorities", "area", "Blackpol", "did you mean 'Blackpool'"),
        ("area_sets", "area", "Norwhich", "did you mean 'Norwich'"),
    ],
)
def test_a_wrong_cell_is_refused_with_its_row(tmp_path, table, column, value, says):
    import csv
    import shutil

    folder = tmp_path / "data"
    shutil.copytree(tables.FOLDER, folder)
    path = folder / f"{table}.csv"
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    rows[0][column] = value
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(Refusal, match=says) as refused:
        tables.read_all(folder)
    assert f"{table}.csv row 2" in str(refused.value)


def test_a_fifth_priority_is_refused(tmp_path):
    import shutil

    folder = tmp_path / "data"
    shutil.copytree(tables.FOLDER, folder)
    with (folder / "priorities.csv").open("a", encoding="utf-8") as file:
        file.write("Norwich,one more,maths_mastery,,RECALLED,to verify\n")
    with pytest.raises(Refusal, match="at most 4 priorities"):
        tables.read_all(folder)


@pytest.mark.parametrize(
    ("table", "column", "value", "says"),
    [
        ("events", "high", "1.5", "a share of at most 1"),
        ("events", "unit", "SD of pupils", "must be 'share of work stopped'"),
        ("national", "first_funded_year", "1.5", "must be a whole number"),
    ],
)
def test_an_impossible_cell_is_refused(tmp_path, table, column, value, says):
    test_a_wrong_cell_is_refused_with_its_row(tmp_path, table, column, value, says)


def test_twins_are_set_as_they_are_written_and_must_be_areas_of_the_scenario(tiny_posterior):
    assert load_scenario("organisation.twins={Norwich: Ipswich}").organisation.twins == {"Norwich": "Ipswich"}
    with pytest.raises(Refusal, match=r"unknown area in organisation\.twins 'Ipswich'"):
        run(load_scenario("areas=[Norwich,Oldham]", "organisation.twins={Norwich: Ipswich}"), posterior=tiny_posterior)


def test_work_that_would_be_done_before_a_partial_stoppage_ends_loses_only_its_part():
    assert delivery.stopped(2017.55, 2017.0, 2017.5, 2017.7, 0.5) == pytest.approx(2017.6)
    assert delivery.stopped(2018.0, 2017.0, 2017.5, 2017.7, 0.5) == pytest.approx(2018.1)


def test_the_order_in_which_events_and_programmes_are_typed_is_no_other_question():
    one, other = (
        load_scenario(f"organisation.national=[{names}]")
        for names in ("maths_hubs,research_schools", "research_schools,maths_hubs")
    )
    assert one == other
