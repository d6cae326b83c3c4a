"""What is typed: areas however they are written, and what is refused in one sentence."""

from pathlib import Path

import pytest
from test_load import refused

from oa_sim import Refusal, load_scenario
from oa_sim.scenario import overrides

WRONG = sorted((Path(__file__).parent / "wrong").glob("*.txt"))


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


CUSTOM = "split=custom"
TWO = "areas=[Norwich,Oldham]"
REFUSED = [
    (["horizon=40"], "horizon must be 5 to 15 years, got 40"),
    (["horizon=4"], "horizon must be 5 to 15 years, got 4"),
    (["horizon=ten"], "horizon must be a whole number, 5 to 15 years, got ten: write one, in digits"),
    (["horizon="], "horizon must be a whole number, 5 to 15 years, got nothing: write one, in digits"),
    (["horizon=null"], "horizon must be a whole number, 5 to 15 years, got null: write"),
    (["horizon=7.5"], "horizon must be a whole number, 5 to 15 years, got 7.5: write"),
    (["horizon=[7]"], "horizon must be a whole number, 5 to 15 years, got [7]: write"),
    (["horizon={a: 7}"], "horizon must be a whole number, 5 to 15 years, got {a: 7}: write"),
    (["horizon=${no_key}"], "horizon must be a whole number, 5 to 15 years, got ${no_key}: write"),
    (["budget.total_gbp=true"], "budget.total_gbp must be a number, £0 to £100,000,000,000, got true: write one, in"),
    (["delivery.dose.a=x"], "delivery.dose.a must be a number, got x: write one, in digits"),
    (["organisation.board.subgroups=x"], "organisation.board.subgroups must be a number, 0 to 1, got x: write"),
    (["budget.carry_over=maybe"], "budget.carry_over must be true or false, got maybe: write one of them"),
    (["budget.profile=[x]"], "budget.profile must be a list of numbers, got [x]: write budget.profile=[first, second]"),
    (["measures=5"], "measures must be a list of names, got 5: write measures=[first, second]"),
    (["measures={a: 1}"], "measures must be a list of names, got {a: 1}: write"),
    (["interventions.early_language.year_groups=[x]"], "year_groups must be a list of whole numbers, got [x]: write"),
    (["split.shares=5"], "split.shares must be a mapping, got 5: write split.shares={name: value}"),
    (
        ["evidence.fade_out.standard=5"],
        "evidence.fade_out.standard has keys of its own, got 5: give one of them a value",
    ),
    (["delivery.dose=5"], "delivery.dose must be a distribution, got 5: write delivery.dose={dist: Beta, a: 2, b: 2}"),
    (["name=[a]"], "name must be a text, got [a]: write it without brackets"),
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
    (["measures=[phonics,phonics]"], "measures must name each once"),
    (["measures=phonics"], "measures must be a list of names, got phonics: write measures=[first, second]"),
    (["areas=[Norwhich]"], "did you mean 'Norwich'"),
    (["areas=Norwhich"], "did you mean 'Norwich'"),
    (["areas=[]"], "at least one area"),
    (["areas=[Norwich,norwich]"], "'Norwich' is listed twice"),
    (["areas=[Norwich,Norwich]"], "areas.names must name each once"),
    (["areas=[Norwich"], "[Norwich"),
    (["budget=as_deliverd"], "did you mean 'as_delivered'"),
    (["budget.total_gbp=-5"], "budget.total_gbp must be £0 to £100,000,000,000, got"),
    (
        ["budget.total_gbp=lots"],
        "budget.total_gbp must be a number, £0 to £100,000,000,000, got lots: write one, in digits",
    ),
    (["budget.total_gbp=nan"], "budget.total_gbp must be £0 to £100,000,000,000, got"),
    (["budget.totl_gbp=5"], "did you mean 'budget.total_gbp'"),
    (["budget.profile=[]"], "1 to 15 funded years, got 0"),
    (["budget.profile=[0,0]"], "weight to some year"),
    (["budget.profile=[1,-1]"], "budget.profile must be 0 to"),
    (["budget.management_share=1.5"], "management_share must be 0 to 1"),
    (["split=fair"], "unknown choice of split 'fair'"),
    ([CUSTOM], "split.shares must give a share for each area"),
    (["split.shares={Norwich: 1}"], "belongs to split=custom"),
    ([CUSTOM, "split.shares={Norwich: 0.5, Oldham: 0.4}", TWO], "sum to 1, got 0.9"),
    ([CUSTOM, "split.shares={Norwich: 1.5, Oldham: -0.5}", TWO], "must be 0 to 1"),
    ([CUSTOM, "split.shares={Norwich: 1}", TWO], "no share for 'Oldham'"),
    ([CUSTOM, "split.shares={Norwich: 0.5, Oldham: 0.5}", "areas=[Norwich]"], "'Oldham', which is not in areas"),
    ([CUSTOM, "split.shares={Norwhich: 1}", "areas=[Norwich]"], "did you mean 'Norwich'"),
    (
        [CUSTOM, "split.shares={Norwich: half}", "areas=[Norwich]"],
        "split.shares.Norwich must be a number, 0 to 1, got half: write",
    ),
    (["portfolio=balancd"], "did you mean 'balanced'"),
    (["portfolio=custom"], "portfolio"),
    (["portfolio=custom", "portfolio.shares={early_language: 0.5}"], "sum to 1, got 0.5"),
    (["portfolio=custom", "portfolio.shares={early_langage: 1}"], "did you mean 'early_language'"),
    (["intervention=[early_langage]", "portfolio=none"], "did you mean 'early_language'"),
    (["intervention=[early_language]"], "'home_learning'"),
    (["interventions.early_language.capacity=2"], "interventions.early_language.capacity must be 0.001 to 1"),
    (["interventions.early_language.kind=bought"], "did you mean 'bought_in'"),
    (["interventions.early_language.year_groups=[99]"], "interventions.early_language.year_groups must be -2 to 14"),
    (["interventions.early_language.unit_cost_gbp=0"], "early_language.unit_cost_gbp must be £1 to £100,000"),
    (["evidence=optimistic"], "sceptical, standard"),
    (["evidence.doubt_factor=0.5"], "doubt_factor must be 1 to 10"),
    (["evidence.family_mean.dist=Cauchy"], "unknown evidence.family_mean.dist 'Cauchy'"),
    (["delivery.cost_sigma=9"], "cost_sigma must be 0 to 2"),
    (["delivery.dose={dist: Beta, a: 0, b: 1}"], "delivery.dose.a must be above 0 in Beta(0, 1)"),
    (["delivery.ramp_years={dist: Uniform, a: 3, b: 1}"], "low to high"),
    (["sustainability.ending=never"], "unknown sustainability.ending 'never'"),
    (["sustainability.taper_years=0"], "taper_years must be 1 to 10"),
    (["sustainability.principles.community=2"], "community must be 0 to 1"),
    (["sustainability.principles.magic=1"], "magic"),
    (["sustainability.high_risk_below=0.9"], "high_risk_below must be 0 to 0.67"),
    (["sampler=slow"], "unknown choice of sampler 'slow': choose from default, quick"),
    (["sampler.draws=9"], "sampler.draws must be 10 to 20,000 draws a chain, got 9"),
    (["sampler.draws=all"], "sampler.draws must be a whole number, 10 to 20,000 draws a chain, got all: write"),
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
    (["budget.profile=[[1]]"], "budget.profile must list single values, got [1] within it"),
    (["areas=[[Norwich]]"], "areas.names must list single values"),
    (["budget.total_gbp=inf"], "got inf: choose"),
    (["budget.total_gbp=''"], "budget.total_gbp must be a number, £0 to £100,000,000,000, got '': write"),
    (["budget.total_gbp=[1,2]"], "budget.total_gbp must be a number, £0 to £100,000,000,000, got [1,2]: write"),
    (["budget.payment_rounds=[nan]"], "budget.payment_rounds must be 0 to 1, got nan"),
    (["budget.payment_rounds=[0.6,0.6]"], "budget.payment_rounds must sum to at most 1, got 1.2"),
    (["evidence.without=[a,a]"], "evidence.without must name each once"),
    (["evidence.family_mean.a=9"], "evidence.family_mean.a must be -1 to 1 SD, got 9"),
    (["evidence.fade_out.standard.floor.b=-1"], "evidence.fade_out.standard.floor.b must be above 0 in Beta(3, -1)"),
    (["evidence.fade_out.standrd.floor.b=1"], "unknown key 'evidence.fade_out.standrd'"),
    (["sustainability.kinds.mixed.later.a=0"], "sustainability.kinds.mixed.later.a must be above 0 in Beta(0, 2)"),
    (["sustainability.quality={dist: Normal, a: 0, b: 1}"], "sustainability.quality is a share, so it must be Beta"),
    (["delivery.lag_years.dist=Normal"], "delivery.lag_years must be LogNormal, or Uniform above 0, got Normal(1.25"),
    (["delivery.dose.dist="], "unknown delivery.dose.dist '': choose from Beta"),
    (["organisation.national=[maths_hubs,maths_hubs]"], "organisation.national must name each once"),
    (["organisation.twins={Norwich: Norwich}"], "organisation.twins: 'Norwich' is twinned with itself"),
    (["interventions.early_language.phase=primry"], "unknown interventions.early_language.phase 'primry': did you"),
    (
        ["interventions.early_language.year_groups=[0,0]"],
        "interventions.early_language.year_groups must name each once",
    ),
    (["interventions.early_language.capcity=1"], "did you mean 'interventions.early_language.capacity'"),
    (["system=no_bord"], "did you mean 'no_board'"),
    (["system=no_board,with_board"], "add -m to oa-sim run"),
    (["scenario=no_bord"], "did you mean 'no_board'"),
    (["systm=no_board"], "did you mean 'system'"),
    (["delivery.ramp_years={dist: Uniform, a: nan, b: 1}"], "delivery.ramp_years must have numbers"),
]


@pytest.mark.parametrize(("words", "says"), REFUSED, ids=[" ".join(words) for words, _ in REFUSED])
def test_a_wrong_override_is_refused_in_one_sentence(words, says):
    assert says in refused(*words)


@pytest.mark.parametrize("file", WRONG, ids=lambda file: file.stem)
def test_the_collection_of_wrong_choices_is_refused(file):
    assert refused(*file.read_text(encoding="utf-8").splitlines())


def test_the_collection_of_wrong_choices_is_not_empty():
    assert len(WRONG) >= 12


def test_several_choices_for_one_run_are_refused_with_the_way_to_run_each():
    assert "add -m to oa-sim run" in refused("split=equal,per_pupil")


# a scenario of one's own


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("- a", "mapping"),
        ("a: [", "no YAML"),
        ("defaults: [split]", "a default has the form"),
        ("horizn: 7", "horizon"),
    ],
)
def test_a_scenario_file_that_is_none_is_refused(tmp_path, text, why):
    (tmp_path / "x.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(Refusal, match=why):
        load_scenario(f"scenario={tmp_path / 'x.yaml'}")
    with pytest.raises(Refusal, match="no such file"):
        overrides.overrides_in_file(tmp_path / "y.yaml")
