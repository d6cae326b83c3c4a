from pathlib import Path

import pytest

from oa_sim import Refusal, load_scenario
from oa_sim.scenario import load
from oa_sim.scenario.load import load_learning, load_sweeping
from oa_sim.scenario.overrides import CONFIGS, sweep_groups
from oa_sim.scenario.sweep_settings import Design, Engine, Sweeping

WRONG = sorted((Path(__file__).parent / "wrong").glob("*.txt"))
QUICK = ["intervention=[early_language]", "portfolio=none"]  # a catalogue of one composes faster
NEEDED = {  # what a choice cannot do without
    "split=custom": ["split.shares={Norwich: 0.6, Oldham: 0.4}", "areas=[Norwich,Oldham]"],
    "portfolio=custom": ["portfolio.shares={early_language: 0.5, maths_mastery: 0.5}"],
}
SCENARIOS = (
    *("as_delivered", "no_programme", "three_years_only", "extended_ten_years", "early_years_first"),
    *("per_disadvantaged_pupil", "hand_over"),
)


def refused(*overrides):
    buys = any("portfolio" in text or "intervention" in text for text in overrides)
    with pytest.raises(Refusal) as caught:
        load_scenario(*([] if buys else QUICK), *overrides)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


# what may be chosen


@pytest.mark.parametrize("choice", [f"{g}={c}" for g, found in load.groups().items() for c in found])
def test_every_choice_of_every_group_composes(choice):
    group, name = choice.split("=")
    if group == "intervention":
        assert list(load_scenario(f"intervention=[{name}]", "portfolio=none").interventions) == [name]
    else:
        few = QUICK if group not in ("portfolio", "scenario") else []
        assert load_scenario(*few, choice, *NEEDED.get(choice, [])).name


def test_the_scenarios_of_the_brief_exist():
    assert set(SCENARIOS) <= set(load.groups()["scenario"])


@pytest.mark.parametrize("name", load.groups()["scenario"])
def test_a_scenario_file_is_short_and_says_how_it_is_run(name):
    lines = (CONFIGS / "scenario" / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    assert lines[1] == f"# oa-sim run scenario={name}"
    assert f"name: {name}" in lines
    assert len(lines) <= 15


def test_as_delivered_is_the_money_that_was_spent():
    budget = load_scenario("scenario=as_delivered").budget
    assert budget.total_gbp == 108e6
    assert budget.profile == [24, 24, 24, 18, 18]


def test_the_default_is_twelve_areas_nine_measures_ten_years():
    scenario = load_scenario()
    assert (len(scenario.areas.names), len(scenario.measures), scenario.years) == (12, 9, list(range(2024, 2034)))


def test_what_is_typed_outranks_the_named_scenario():
    scenario = load_scenario("scenario=hand_over", "sustainability.ending=stop", horizon=15)
    assert (scenario.name, scenario.sustainability.ending, scenario.horizon) == ("hand_over", "stop", 15)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("fenland & east cambridgeshire", "Fenland and East Cambridgeshire"),
        ("stoke-on-trent", "Stoke-on-Trent"),
        ("Stoke on Trent", "Stoke-on-Trent"),
        ("NORTH YORKSHIRE COAST", "North Yorkshire Coast"),
    ],
)
def test_an_area_is_known_however_it_is_written(written, name):
    assert load_scenario(f"areas=['{written}']").areas.names == [name]


@pytest.mark.parametrize("override", ["areas=Norwich", "areas=norwich", "areas=[Norwich]", "areas.names=[Norwich]"])
def test_one_area_may_be_named_with_or_without_brackets(override):
    assert load_scenario(override).areas.names == ["Norwich"]


def test_areas_and_shares_keep_the_order_of_the_table():
    scenario = load_scenario("areas=[oldham,norwich]", "split=custom", "split.shares={OLDHAM: 0.3, norwich: 0.7}")
    assert list(scenario.split.shares.items()) == [("Norwich", 0.7), ("Oldham", 0.3)]


# what is wrong, and what the sentence must say

CUSTOM = "split=custom"
TWO = "areas=[Norwich,Oldham]"
REFUSED = [
    (["horizon=40"], "horizon must be 5 to 15 years, got 40"),
    (["horizon=4"], "horizon must be 5 to 15 years, got 4"),
    (["horizon=ten"], "'ten'"),
    (["horizon="], "horizon"),
    (["horizon=null"], "horizon"),
    (["horizon"], "key=value"),
    (["horizn=10"], "did you mean 'horizon'"),
    (["+horizn=10"], "did you mean 'horizon'"),
    (["~horizon"], "key=value"),
    (["=5"], "unknown key ''"),
    (["start_year=1999"], "start_year must be 2018 to 2040"),
    (["seed=-1"], "seed must be"),
    (["seed=1.5"], "1.5"),
    (["seed=99999999999999999999"], "seed must be"),
    (["measures=[]"], "measures"),
    (["measures=[key_stage_3]"], "did you mean 'key_stage_2'"),
    (["measures=[phonics,phonics]"], "each measure once"),
    (["measures=phonics"], "measures"),
    (["areas=[Norwhich]"], "did you mean 'Norwich'"),
    (["areas=Norwhich"], "did you mean 'Norwich'"),
    (["areas=[]"], "at least one area"),
    (["areas=[Norwich,norwich]"], "'Norwich' is listed twice"),
    (["areas=[Norwich"], "[Norwich"),
    (["budget=as_deliverd"], "did you mean 'as_delivered'"),
    (["budget.total_gbp=-5"], "budget.total_gbp must be 0 to"),
    (["budget.total_gbp=lots"], "'lots'"),
    (["budget.total_gbp=nan"], "budget.total_gbp must be 0 to"),
    (["budget.totl_gbp=5"], "did you mean 'budget.total_gbp'"),
    (["budget.profile=[]"], "1 to 15 funded years, got 0"),
    (["budget.profile=[0,0]"], "weight to some year"),
    (["budget.profile=[1,-1]"], "weight must be 0"),
    (["budget.management_share=1.5"], "management_share must be 0 to 1"),
    (["split=fair"], "unknown choice of split 'fair'"),
    ([CUSTOM], "share for each area"),
    (["split.shares={Norwich: 1}"], "belongs to split=custom"),
    ([CUSTOM, "split.shares={Norwich: 0.5, Oldham: 0.4}", TWO], "sum to 1, got 0.9"),
    ([CUSTOM, "split.shares={Norwich: 1.5, Oldham: -0.5}", TWO], "must be 0 to 1"),
    ([CUSTOM, "split.shares={Norwich: 1}", TWO], "no share for 'Oldham'"),
    ([CUSTOM, "split.shares={Norwich: 0.5, Oldham: 0.5}", "areas=[Norwich]"], "'Oldham', which is not in areas"),
    ([CUSTOM, "split.shares={Norwhich: 1}", "areas=[Norwich]"], "did you mean 'Norwich'"),
    ([CUSTOM, "split.shares={Norwich: half}", "areas=[Norwich]"], "'half'"),
    (["portfolio=balancd"], "did you mean 'balanced'"),
    (["portfolio=custom"], "portfolio"),
    (["portfolio=custom", "portfolio.shares={early_language: 0.5}"], "sum to 1, got 0.5"),
    (["portfolio=custom", "portfolio.shares={early_langage: 1}"], "did you mean 'early_language'"),
    (["intervention=[early_langage]", "portfolio=none"], "did you mean 'early_language'"),
    (["intervention=[early_language]"], "'home_learning'"),
    (["interventions.early_language.capacity=2"], "capacity must be 0.001 to 1"),
    (["interventions.early_language.kind=bought"], "did you mean 'bought_in'"),
    (["interventions.early_language.year_groups=[99]"], "year group must be -2 to 14"),
    (["interventions.early_language.unit_cost_gbp=0"], "unit_cost_gbp must be 1"),
    (["evidence=optimistic"], "sceptical, standard"),
    (["evidence.doubt_factor=0.5"], "doubt_factor must be 1 to 10"),
    (["evidence.family_mean.dist=Cauchy"], "unknown distribution 'Cauchy'"),
    (["delivery.cost_sigma=9"], "cost_sigma must be 0 to 2"),
    (["delivery.dose={dist: Beta, a: 0, b: 1}"], "must be above 0"),
    (["delivery.ramp_years={dist: Uniform, a: 3, b: 1}"], "low to high"),
    (["sustainability.ending=never"], "unknown sustainability.ending 'never'"),
    (["sustainability.taper_years=0"], "taper_years must be 1 to 10"),
    (["sustainability.principles.community=2"], "community must be 0 to 1"),
    (["sustainability.principles.magic=1"], "magic"),
    (["sustainability.high_risk_below=0.9"], "high_risk_below must be 0 to 0.67"),
    (["sampler=slow"], "unknown choice of sampler 'slow': choose from default, quick"),
    (["sampler.draws=9"], "sampler.draws must be 10 to 20000 a chain, got 9"),
    (["sampler.draws=all"], "'all'"),
    (["sampler.chains=4"], "unknown key 'sampler.chains': did you mean 'sampler.draws'"),  # a matter of learning
    (["sampler.tune=300"], "did you mean 'sampler.draws'"),
    (["panel.path=panel.csv"], "unknown key 'panel'"),
    (["scenario=as_planned"], "did you mean 'as_delivered'"),
    (["name=a/b"], "name must be 1 to 64 letters"),
    (["name="], "name must be 1 to 64 letters"),
    (["hydra.run.dir=elsewhere"], "unknown key 'hydra'"),
    (["data_folder=/nowhere"], "areas.csv"),
    (["delivery.leave_area={dist: Normal, a: 5, b: 1}"], "leave_area"),
    (["delivery.ramp_years={dist: Uniform, a: 0, b: 0}"], "ramp_years"),
    (["delivery.ramp_years={dist: Uniform, a: nan, b: 1}"], "Uniform"),
]


@pytest.mark.parametrize(("overrides", "says"), REFUSED, ids=[" ".join(overrides) for overrides, _ in REFUSED])
def test_a_wrong_override_is_refused_in_one_sentence(overrides, says):
    assert says in refused(*overrides)


@pytest.mark.parametrize("file", WRONG, ids=lambda file: file.stem)
def test_the_collection_of_wrong_choices_is_refused(file):
    assert refused(*file.read_text(encoding="utf-8").splitlines())


def test_the_collection_of_wrong_choices_is_not_empty():
    assert len(WRONG) >= 12


def test_a_refusal_leaves_the_next_question_unharmed():
    before = load_scenario()
    refused("horizon=40")
    assert load_scenario() == before


# what fit and backtest take

READ = "panel.path=panel.csv"
REFUSED_LEARNING = [
    ([], "panel.path must name a file or a folder"),
    (["panel.path="], "panel.path must name a file or a folder"),
    (["panl.path=panel.csv"], "did you mean 'panel'"),
    (["panel.pth=panel.csv"], "did you mean 'panel.path'"),
    (["panel=panel.csv"], "panel: "),
    (["panel.csv"], "key=value"),
    ([READ, "panel.train_until=2018/19"], "panel.train_until: "),
    ([READ, "panel.train_until=19"], "panel.train_until must be 2000 to 2100"),
    ([READ, "panel.actual=later.csv"], "did you mean 'panel.actuals'"),
    ([READ, "sampler.chains=1"], "sampler.chains must be 2 to 16"),
    ([READ, "sampler.backend=stan"], "unknown sampler.backend 'stan': choose from nutpie, pymc"),
    ([READ, "sampler.tune=5"], "sampler.tune must be 10 to"),
    ([READ, "sampler.draws=5"], "sampler.draws must be 10 to"),
    ([READ, "sampler.thin=0"], "sampler.thin must be 1 to"),
    ([READ, "sampler.target_accept=1"], "sampler.target_accept must be 0.5 to 0.999"),
    ([READ, "sampler.draws=null"], "sampler.draws"),
    ([READ, "sampler=quick"], "sampler"),  # a choice of a run, not of learning
    ([READ, "seed=-1"], "seed must be"),
    ([READ, "horizon=10"], "unknown key 'horizon'"),
    ([READ, "areas=Norwich"], "unknown key 'areas'"),
    ([READ, "scenario=hand_over"], "unknown key 'scenario'"),
]


@pytest.mark.parametrize(
    ("overrides", "says"), REFUSED_LEARNING, ids=[" ".join(overrides) for overrides, _ in REFUSED_LEARNING]
)
def test_a_wrong_override_of_learning_is_refused_in_one_sentence(overrides, says):
    with pytest.raises(Refusal) as caught:
        load_learning(*overrides)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_typed_of_learning_outranks_the_file():
    learning = load_learning(READ, "sampler.draws=250", seed=5)
    assert (learning.sampler.draws, learning.sampler.chains, learning.seed) == (250, 4, 5)
    assert (learning.panel.path, learning.panel.train_until, learning.panel.actuals) == ("panel.csv", None, None)


@pytest.mark.parametrize("name", ["été.csv", "a b", "a#b", "a(1).csv", "a=b", "it's", r"a\b", r"a\'b", "a\\"])
def test_files_may_have_the_names_that_files_have(name):
    panel = load_learning(f"panel.path={name}", f"panel.actuals={name}").panel
    assert (panel.path, panel.actuals, load_scenario(f"posterior={name}").posterior) == (name, name, name)


def test_a_run_and_learning_do_not_disturb_each_other():
    before = load_scenario(*QUICK), load_learning(READ)
    assert (load_scenario(*QUICK), load_learning(READ)) == before


# what a sweep is told


def test_a_sweep_has_settings_of_its_own_and_leaves_the_rest_to_its_scenarios():
    words = ["split=equal,per_pupil", "design=sobol", "horizon=10", "design.n=64", "engine=dask", "block=8"]
    found, left = load_sweeping([*words, "engine.address=tcp://10.0.0.1:8786", "fail_fast=true"])
    assert found == Sweeping(Design("sobol", 64), Engine("dask", address="tcp://10.0.0.1:8786"), 8, True)
    assert left == ["split=equal,per_pupil", "horizon=10"]


def test_a_sweep_is_a_grid_on_this_machine_unless_it_is_told():
    assert load_sweeping([]) == (Sweeping(), [])


@pytest.mark.parametrize("choice", [f"{g}={c}" for g, found in sweep_groups().items() for c in found])
def test_every_choice_of_a_sweep_composes_and_is_none_of_a_scenario(choice):
    group, name = choice.split("=")
    found, _ = load_sweeping([choice, *(["design.file=rows (1).csv"] if name == "list" else [])])
    assert getattr(found, group).kind == name
    assert group not in load.groups()
    assert f"unknown key '{group}'" in refused(choice)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["design=sobl"], "unknown choice of design 'sobl': did you mean 'sobol'"),
        (["design=sobol,grid"], "design takes one choice, got sobol,grid"),
        (["design.n=5"], "design.n belongs to a sampled design"),
        (["design=sobol", "design.n=0"], "design.n must be 1 to"),
        (["design=sobol", "design.n=1000"], "a power of two, got 1000: write design.n=1024"),
        (["design=sobol", "design.m=8"], "did you mean 'design.n'"),
        (["design=list"], "design.file belongs to design=list"),
        (["engine=ray"], "choose from dask, local, processes"),
        (["engine.workers=-1"], "engine.workers must be 0 to"),
        (["engine.address=tcp://10.0.0.1:8786"], "engine.address belongs to engine=dask"),
        (["block=0"], "block must be 1 to"),
        (["block=many"], "'many'"),
        (["block"], "key=value"),
        (["fail_fast=perhaps"], "'perhaps'"),
        (["~design"], "key=value"),
    ],
)
def test_a_wrong_setting_of_a_sweep_is_refused_in_one_sentence(words, says):
    with pytest.raises(Refusal) as caught:
        load_sweeping(words)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_several_choices_for_one_run_are_refused_with_the_way_to_run_each():
    assert "add -m to oa-sim run" in refused("split=equal,per_pupil")
