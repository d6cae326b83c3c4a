import pytest

from oa_sim import Refusal, load_scenario
from oa_sim.scenario import load, overrides
from oa_sim.scenario.config_files import CONFIGS, sweep_groups
from oa_sim.scenario.load import load_learning, load_sweeping
from oa_sim.scenario.sweep_settings import Design, Engine, Sweeping
from oa_sim.sweep import expand

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
        few = QUICK if group not in ("portfolio", "scenario", "system") else []
        assert load_scenario(*few, choice, *NEEDED.get(choice, [])).name


def test_the_scenarios_of_the_brief_exist():
    assert set(SCENARIOS) <= set(load.groups()["scenario"])


@pytest.mark.parametrize(
    ("group", "name"), [(group, name) for group in ("scenario", "system") for name in load.groups()[group]]
)
def test_a_scenario_file_is_short_and_says_how_it_is_run(group, name):
    lines = (CONFIGS / group / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    assert lines[1] == f"# oa-sim run {group}={name}"
    assert f"name: {name}" in lines or name == "none"
    assert len(lines) <= 15


def test_there_are_few_scenarios_to_choose_from_and_the_parts_have_a_group_of_their_own():
    assert 8 <= len(load.groups()["scenario"]) <= 14
    assert "no_board" in load.groups()["system"]
    assert load_scenario("scenario=hand_over", "system=none") == load_scenario("scenario=hand_over")


def test_a_part_of_the_programme_goes_with_a_scenario_and_has_the_last_word():
    scenario = load_scenario("scenario=hand_over", "system=with_tender")
    assert (scenario.name, scenario.sustainability.ending) == ("with_tender", "hand_over")
    assert scenario.organisation.procurement == "tender"


OLD_NAMES = [name for name in load.groups()["system"] if name != "none"]


@pytest.mark.parametrize("name", OLD_NAMES)
def test_an_old_scenario_name_gives_the_same_scenario_and_tells_the_new_form(name, capsys):
    overrides._tell_new_form.cache_clear()
    former = load_scenario(f"scenario={name}")
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"oa-sim: scenario={name} is now system={name}; the old form still works\n")
    assert former == load_scenario(f"system={name}")
    assert former.name == name


def test_old_scenario_names_work_in_files_and_in_sweeps(tmp_path, capsys):
    file = tmp_path / "mine.yaml"
    file.write_text("defaults: [{override /scenario: no_board}]\nhorizon: 7\n", encoding="utf-8")
    assert load_scenario(f"scenario={file}") == load_scenario("system=no_board", "horizon=7")
    assert expand.expand(["scenario=as_delivered,no_board"], Design("grid")).values == [
        ("as_delivered",),
        ("no_board",),
    ]
    assert expand.expand(["scenario=glob(*_board)"], Design("grid")).values == [("no_board",), ("with_board",)]
    rows = tmp_path / "rows.csv"
    rows.write_text("scenario,horizon\nno_board,7\nhand_over,\n", encoding="utf-8")
    made = list(expand.scenarios(expand.expand([], Design("list", file=str(rows)))))
    assert made == [load_scenario("system=no_board", "horizon=7"), load_scenario("scenario=hand_over")]
    assert "system=no_board" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["no_board", "hand_over"])
def test_a_name_alone_finds_its_group_without_a_word(name, capsys):
    assert load_scenario(overrides.named_scenario(name)).name == name
    assert capsys.readouterr().err == ""


def test_names_in_a_list_need_no_quotes_of_their_own():
    named = load_scenario("areas=[Folkestone & Hythe, King's Lynn, St. Albans]").areas.names
    assert named == ["Folkestone and Hythe", "King's Lynn and West Norfolk", "St Albans"]
    assert load_scenario("areas=['Bristol, City of', \"Hull\"]").areas.names == [
        "Bristol, City of",
        "Kingston upon Hull, City of",
    ]


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


# what is wrong, and what the sentence must say


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
    (["panel=panel.csv"], "panel has keys of its own, got panel.csv: give one of them a value, such as panel.path=..."),
    (["panel.csv"], "key=value"),
    ([READ, "panel.train_until=2018/19"], "panel.train_until must be a whole number, 2000 to 2100, got 2018/19: write"),
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
        (["block=many"], "block must be a whole number, 1 to 10,000 scenarios, got many: write one, in digits"),
        (["block"], "key=value"),
        (["fail_fast=perhaps"], "fail_fast must be true or false, got perhaps: write one of them"),
        (["~design"], "key=value"),
    ],
)
def test_a_wrong_setting_of_a_sweep_is_refused_in_one_sentence(words, says):
    with pytest.raises(Refusal) as caught:
        load_sweeping(words)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
