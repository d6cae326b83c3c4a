import json
import random

import pytest

from oa_sim import Refusal, load_scenario
from oa_sim.scenario import load
from oa_sim.scenario.overrides import groups
from oa_sim.scenario.sweep_settings import Design
from oa_sim.sweep.expand import Variants, expand, scenarios

GRID = Design("grid")
QUICK = ["intervention=[early_language]", "portfolio=none"]  # a catalogue of one composes faster
TWO = "areas=[Norwich,Oldham]"


def asked(*overrides):
    """Return the scenario that overrides make, or the sentence in which they are refused."""
    try:
        return load_scenario(*overrides)
    except Refusal as refusal:
        return str(refusal)


def check_equal(found, some=None):
    """Check scenarios, all or some, against what load_scenario makes of their overrides."""
    made = [str(one) if isinstance(one, Refusal) else one for one in scenarios(found)]
    assert len(made) == len(found.values)
    for i in some or range(len(made)):
        assert made[i] == asked(*found.overrides(i)), found.overrides(i)
    return made


# what is named


def test_a_grid_goes_through_its_keys_in_the_order_typed_the_last_one_fastest():
    found = expand(["horizon=range(5,8)", "seed=3", "split=equal,per_pupil"], GRID)
    assert found.fixed == ("seed=3",)
    assert found.keys == ("horizon", "split")
    assert found.values == [
        (5, "equal"),
        (5, "per_pupil"),
        (6, "equal"),
        (6, "per_pupil"),
        (7, "equal"),
        (7, "per_pupil"),
    ]
    assert found.overrides(3) == ["seed=3", "horizon=6", "split=per_pupil"]
    assert found.bounds == {}


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("budget.total_gbp=50000000,1e8", [5e7, 1e8]),
        ("budget.total_gbp=range(1,2,0.25)", [1.0, 1.25, 1.5, 1.75]),
        ("budget.carry_over=true,false", [True, False]),
        ("split=glob(per*)", ["per_disadvantaged_pupil", "per_pupil"]),
        ("split=choice('equal',per_pupil)", ["equal", "per_pupil"]),
        ("areas=[Norwich, Fenland and East Cambridgeshire],[Oldham]", None),
        ("areas=Norwich,three_areas,Stoke-on-Trent", ["Norwich", "three_areas", "Stoke-on-Trent"]),
        ("evidence.without=[],[Phonics strand],['Phonics strand', \"Magic Breakfast trial\"]", None),
        ("delivery.dose={dist: Beta, a: 3, b: 2},{dist: Uniform, a: 0.1, b: 0.3}", None),
        ("posterior=null,a/b.nc,'it''s (1).nc'", None),
        ("seed=0,9223372036854775807", [0, 2**63 - 1]),
    ],
)
def test_words_are_read_by_hydras_grammar(word, values):
    if "''" in word:
        word = word.replace("''", "\\'")
    found = expand([*QUICK, word], GRID)
    if values is not None:
        assert [row[0] for row in found.values] == values
        assert [type(row[0]) for row in found.values] == [type(value) for value in values]
    check_equal(found)


def test_numbers_are_kept_to_the_last_digit():
    numbers = [0.1 + 0.2, 1e-07, 123456789.12345679, 1e11, 2 / 3 * 1e8]
    found = expand([*QUICK, f"budget.total_gbp={','.join(map(repr, numbers))}"], GRID)
    assert [one.budget.total_gbp for one in scenarios(found)] == numbers
    assert [load_scenario(*found.overrides(i)).budget.total_gbp for i in range(5)] == numbers


REFUSED = [
    (["split=equal"], "nothing varies"),
    ([], "nothing varies"),
    (["split=equal,per_pupil", "split=as_paid"], "split is given twice"),
    (["horizon=5,6", "horizon=7"], "horizon is given twice"),
    (["+budget.total_gbp=1e8,2e8"], "got +budget.total_gbp=1e8,2e8: write budget.total_gbp"),
    (["++split=equal,per_pupil"], "none is added or forced, got ++split"),
    (["horizon=5,6", "+seed=3"], "got +seed=3: write seed"),
    (["split=equal,per_pupil,equal"], "split names equal twice"),
    (["budget.total_gbp=5e7,50000000"], "budget.total_gbp names 50000000.0 twice"),
    (["horizon=range(5,5)"], "horizon names no value"),
    (["split=glob(fair*)"], "split names no value"),
    (["split=equal,"], "'split=equal,' cannot be read"),
    (["horizon=range(5"], "'horizon=range(5' cannot be read"),
    (["horizon=interval(5)"], "cannot be read"),
    (["horizon=rnge(5,9)"], "Unknown function 'rnge'"),
    (["areas=[Norwich,[Oldham]"], "cannot be read"),
    (["horizon=shuffle(5,6)"], "another order each time"),
    (["horizon"], "key=value"),
    (["horizn=5,6"], "did you mean 'horizon'"),
    (["budget.totl_gbp=5,6"], "did you mean 'budget.total_gbp'"),
    (["split=equal,per_pupils"], "did you mean 'per_pupil'"),
    (["scenario=hand_over,no_bord"], "did you mean 'no_board'"),
    (["~horizon=5,6"], "key cannot be taken out"),
    (["split=fair", "horizon=5,6"], "unknown choice of split 'fair'"),
    (["horizon=5,ten"], "horizon must be a whole number, 5 to 15 years, got ten"),
    (["horizon=5,6.5"], "horizon must be a whole number, 5 to 15 years, got 6.5"),
    (["horizon=5,null"], "horizon must be a whole number, 5 to 15 years, got null"),
    (["budget.total_gbp=lots,5"], "budget.total_gbp must be a number, £0 to £100,000,000,000, got lots"),
    (["budget.total_gbp=true,5"], "budget.total_gbp must be a number, £0 to £100,000,000,000, got true"),
    ([f"budget.total_gbp=5,1{'0' * 400}"], "budget.total_gbp must be a number, £0 to £100,000,000,000, got 1000"),
    (["budget.carry_over=yes,no"], "budget.carry_over must be true or false, got yes"),
    (["outputs=a,b"], "outputs is a place"),
    (["budget.total_gbp=interval(5e7,2e8)"], "such as budget.total_gbp=50000000,200000000, or choose design=sobol"),
    (["seed=range(0,1000000000)"], "at most 1,000,000 scenarios, got 1,000,000,000"),
    (["seed=range(0,1e9)"], "at most 1,000,000 scenarios, got 1,000,000,000"),
    (["seed=range(0,1000)", "budget.total_gbp=range(0,1000)", "horizon=5,6"], "got 2,000,000"),
    (["seed=range(0,9,0)"], "makes steps of 0"),
    (["design=grid", "horizon=5,6"], "unknown key 'design'"),
]


@pytest.mark.parametrize(("words", "says"), REFUSED, ids=[" ".join(words)[:60] for words, _ in REFUSED])
def test_words_that_make_no_sweep_are_refused_in_one_sentence(words, says):
    with pytest.raises(Refusal) as caught:
        expand(words, GRID)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


# what is sampled


def test_whole_numbers_and_choices_have_even_shares_of_the_points():
    words = ["horizon=interval(5,10)", "split=equal,per_pupil,as_paid", "budget.total_gbp=interval(5e7,2e8)"]
    found = expand(words, Design("latin_hypercube", 600))
    years, splits, pounds = zip(*found.values, strict=True)
    assert {year: years.count(year) for year in range(5, 11)} == dict.fromkeys(range(5, 11), 100)
    assert {splits.count(split) for split in ("equal", "per_pupil", "as_paid")} == {200}
    assert all(isinstance(year, int) for year in years)
    assert 5e7 <= min(pounds) < 5.03e7 < 1.997e8 < max(pounds) <= 2e8
    assert found.bounds == {"horizon": (5.0, 10.0), "budget.total_gbp": (5e7, 2e8)}


@pytest.mark.parametrize("kind", ["sobol", "latin_hypercube", "saltelli"])
def test_a_sampled_scenario_is_what_its_overrides_make(kind):
    words = [*QUICK, "budget.total_gbp=interval(5e7,2e8)", "split=equal,as_paid", "horizon=int(interval(5,15))"]
    found = expand(words, Design(kind, 16))
    assert len(found.values) == 16 * (5 if kind == "saltelli" else 1)
    check_equal(found, some=range(0, 16, 5))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["split=interval(0,1)"], "split is no number"),
        (["posterior=interval(0,1)"], "posterior is no number"),
        (["horizon=interval(5.5,9)"], "give it whole ends"),
        (["horizon=interval(9,5)"], "from a low to a high number"),
        (["budget.total_gbp=interval(0,inf)"], "from a low to a high number"),
        (["budget.totl_gbp=interval(0,1)"], "did you mean 'budget.total_gbp'"),
        (["horizon=10"], "nothing varies"),
    ],
)
def test_intervals_that_say_nothing_are_refused_in_one_sentence(words, says):
    with pytest.raises(Refusal) as caught:
        expand(words, Design("sobol", 8))
    assert says in str(caught.value)


# what a file lists


def listed(tmp_path, text, name="rows.csv", words=()):
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return expand(list(words), Design("list", file=str(file)))


def test_a_row_of_a_file_is_a_scenario_and_an_empty_cell_leaves_a_key_alone(tmp_path):
    text = 'split,budget.total_gbp,areas\nper_pupil,5e7,"[Norwich, Oldham]"\n\n,,\nas_paid,,Norwich\n'
    found = listed(tmp_path, text.replace("\n\n", "\n"), words=QUICK)
    assert found.keys == ("split", "budget.total_gbp", "areas")
    assert found.values == [("per_pupil", 5e7, "[Norwich, Oldham]"), ("as_paid", None, "Norwich")]
    assert found.overrides(1) == [*QUICK, "split=as_paid", "areas=Norwich"]
    check_equal(found)


def test_a_list_in_yaml_says_the_same_as_one_in_csv(tmp_path):
    rows = [
        {"split": "per_pupil", "budget.total_gbp": 50_000_000, "areas": ["Norwich", "Oldham"], "name": "first"},
        {"split": None, "budget.carry_over": False, "evidence.without": ["Phonics strand"]},
        {"split": "custom", "split.shares": {"Norwich": 0.25, "Oldham": 0.75}, "areas": ["Oldham", "Norwich"]},
    ]
    found = listed(tmp_path, json.dumps(rows), "rows.yaml", QUICK)
    assert found.values[0][:3] == ("per_pupil", 5e7, "[Norwich, Oldham]")
    first, second, third = check_equal(found)
    assert (first.name, second.evidence.without, third.split.shares["Norwich"]) == ("first", ["Phonics strand"], 0.25)


def test_a_list_in_quotes_says_the_same_in_yaml_as_in_csv(tmp_path):
    found = listed(tmp_path, '- {areas: "[Norwich, Oldham]"}\n- {areas: Oldham}\n', "rows.yaml", QUICK)
    assert found.values == listed(tmp_path, 'areas\n"[Norwich, Oldham]"\nOldham\n', words=QUICK).values
    assert [one.areas.names for one in check_equal(found)] == [["Norwich", "Oldham"], ["Oldham"]]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("split\nequal\nper_pupils\n", "row 3, column 'split': unknown choice of split 'per_pupils': did you mean"),
        ("split,horizn\nequal,5\n", "row 1, column 'horizn': unknown key 'horizn': did you mean 'horizon'"),
        ("horizon\nten\n", "row 2, column 'horizon': horizon must be a whole number, 5 to 15 years, got ten"),
        ('horizon\n"5,6"\n', "row 2, column 'horizon': a cell holds one value, got 5,6"),
        ("horizon\n[5\n", "row 2, column 'horizon': 'horizon=[5' cannot be read"),
        ("horizon,split\n5\n", "row 2: must have 2 cells, got 1"),
        ("horizon,horizon\n5,6\n", "row 1: column 'horizon' must stand once"),
        ("horizon\n5\n6\n5\n", "row 4: the same scenario as row 2"),
        ("+horizon\n5\n", "row 1, column '+horizon': no key is added or forced: write horizon"),
        ("horizon\n", "it holds no scenario"),
        ("", "it holds no scenario"),
        ("seed\n3\n", "column 'seed' is given as a word too"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_row_and_column(tmp_path, text, says):
    with pytest.raises(Refusal) as caught:
        listed(tmp_path, text, words=["seed=3"])
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("split: equal", "it must be a list of mappings"),
        ("- {horizn: 5}", "row 1, column 'horizn': unknown key"),
        ("- {horizon: 5}\n- {horizon: ten}", "row 2, column 'horizon': horizon must be a whole number"),
        ("- {horizon: [5", "no YAML"),
    ],
)
def test_yaml_that_is_wrong_is_refused_in_one_sentence(tmp_path, text, says):
    with pytest.raises(Refusal, match=r"rows.yaml") as caught:
        listed(tmp_path, text, "rows.yaml")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_says_alone_what_varies(tmp_path):
    with pytest.raises(Refusal, match="say what varies, got split too"):
        listed(tmp_path, "horizon\n5\n", words=["split=equal,per_pupil"])
    with pytest.raises(Refusal, match="there is no such file"):
        expand([], Design("list", file=str(tmp_path / "nowhere.csv")))


# what is made of them


def test_hydra_composes_once_for_each_choice_whatever_the_numbers(monkeypatch):
    n_composed = []
    compose = load.composed
    monkeypatch.setattr(load, "composed", lambda *words: n_composed.append(words) or compose(*words))
    words = ["split=equal,per_pupil,as_paid", "budget.total_gbp=range(1e7,1e8,1e7)", "delivery.dose.a=range(1,11)"]
    found = expand([*QUICK, *words, "sustainability.ending=stop,taper", "seed=1,2"], GRID)
    made = list(scenarios(found))
    assert len(made) == len({repr(one) for one in made}) == 3 * 9 * 10 * 2 * 2
    assert len(n_composed) == 1 + 3


def test_a_scenario_that_cannot_be_made_is_handed_over_and_the_rest_go_on():
    found = expand([*QUICK, "horizon=4,5,40", "sustainability.ending=stop,hand_over"], GRID)
    made = check_equal(found)
    assert [isinstance(one, str) for one in made] == [True, True, False, True, True, True]
    assert "horizon must be 5 to 15 years, got 40" in made[4]
    assert "needs a principle above 0" in made[3]


def test_scenarios_share_nothing_that_can_be_changed():
    found = expand([*QUICK, "horizon=5,6"], GRID)
    first, second = scenarios(found)
    first.budget.total_gbp = first.delivery.dose.a = -1.0
    first.measures.clear()
    first.organisation.board.clear()
    first.areas.names.clear()
    assert second == load_scenario(*found.overrides(1))
    assert next(scenarios(found)) == load_scenario(*found.overrides(0))


def test_a_scenario_does_not_wait_for_those_after_it():
    found = expand([*QUICK, "seed=range(0,100000)"], GRID)
    assert next(scenarios(found)).seed == 0


INTERPLAY = [
    ["scenario=hand_over,no_programme", "budget=three_years,ten_years", "horizon=5,40"],
    ["scenario=with_tender,with_hand_over,with_sharing", "organisation.sharing=0,1", "sustainability=taper,hand_over"],
    ["delivery.dose.a=1,5", "delivery.dose={dist: Beta, a: 3, b: 2},{dist: Uniform, a: 0.1, b: 0.3}"],
    ["delivery.dose={dist: Beta, a: 3, b: 2},{dist: Uniform, a: 0.1, b: 0.3}", "delivery.dose.a=0.2,5"],
    ["delivery.dose={dist: Uniform, a: 0.1, b: 0.3}", "delivery.dose.a=0.2,0.4"],
    ["delivery.dose.dist=Beta,Uniform,Cauchy", "delivery.dose.b=0.5,2"],
    ["split=custom,equal", "split.shares={Norwich: 0.5, Oldham: 0.5},{Norwich: 1}", TWO],
    ["split=custom", "split.shares.Norwich=0.5,0.6", "split.shares.Oldham=0.5,0.4", TWO],
    ["split.rule=equal,custom,per_pupil", "areas=[Norwich],[Oldham,Norwich],Norwhich"],
    ["areas=three_areas,[Norwich,norwich],[]", "horizon=5,4"],
    ["areas.names=[Norwich],[Oldham]", "name=a,'b c',null"],
    ["portfolio=custom,none", "portfolio.shares={early_language: 1.0}", "interventions.early_language.capacity=0.5,2"],
    ["interventions.early_language.unit_cost_gbp=0,100", "interventions.home_learning.unit_cost_gbp=1,2"],
    ["sustainability.principles.community=0,1", "sustainability.principles.magic=0,1"],
    ["organisation.twins={Norwich: Ipswich},{Norwich: Norwich}", "organisation.review_after=1,20"],
    ["budget.payment_rounds=[0.15],[0.6,0.6]", "budget.management_share=0,1.5", "split=equal,per_pupil"],
    ["evidence=standard,sceptical", "evidence.family_mean.a=0.02,5", "evidence.outside_view.is_on=true,false"],
    ["measures=[phonics],[phonics,phonics],[suspensions,phonics]", "start_year=2024,1999"],
    ["data_folder=null,nowhere", "sampler=default,quick", "sampler.draws=9,50"],
    ["horizon=40", "seed=1,2"],
    ["budget={total_gbp: 5e7},{total_gbp: -1}", "budget.total_gbp=1e7,2e7"],
    ["value.discount_rate=nan,inf,0.03", "name=1,x"],
]


@pytest.mark.parametrize("is_thorough", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["two", "eight"])
@pytest.mark.parametrize("words", INTERPLAY, ids=[" ".join(words)[:70] for words in INTERPLAY])
def test_a_scenario_is_what_load_scenario_makes_of_its_overrides(words, is_thorough):
    quick = [] if any("portfolio" in word or "home_learning" in word for word in words) else QUICK
    found = expand([*quick, *words], GRID)
    n = min(8 if is_thorough else 2, len(found.values))  # each costs a whole composition
    check_equal(found, some=random.Random(len(words[0])).sample(range(len(found.values)), n))


def test_a_fixed_word_that_cannot_be_is_refused_by_every_scenario():
    found = Variants(("horizon=ten",), ("seed",), [(1,), (2,)], {})
    assert [str(one) for one in scenarios(found)] == [asked("horizon=ten")] * 2


@pytest.mark.slow
@pytest.mark.parametrize("group", [group for group in groups() if group != "scenario"])
def test_every_choice_of_every_group_is_the_same_under_three_bundles(group):
    values = [f"[{name}]" if group == "intervention" else name for name in groups()[group]]
    few = ["portfolio=none"] if group == "intervention" else []
    words = [*few, "scenario=as_delivered,hand_over,no_early_years", f"{group}={','.join(values)}", "horizon=5,12"]
    if len(values) == 1:
        words[-2] = f"{group}=choice({values[0]})"
    check_equal(expand(words, GRID))


@pytest.mark.slow
def test_every_bundle_is_the_same():
    check_equal(expand([f"scenario={','.join(groups()['scenario'])}", "budget.total_gbp=1e7,2e7"], GRID))


POOL = [
    *(
        "split=equal,per_pupil,as_paid",
        "portfolio=teaching,balanced,none",
        "horizon=5,15,40",
        "areas=three_areas,Derby",
    ),
    *("scenario=as_delivered,tapered,no_sharing", "delivery.dose.a=1,-1", "organisation.sharing=0,0.5,2", "seed=1,2"),
    *("sustainability=stop,extend,hand_over", "sustainability.ending=taper,hand_over", "budget.carry_over=true,false"),
    *("evidence=standard,sceptical", "budget=none,three_years", "budget.profile=[1],[1,2,3],[]", "name=one,two"),
    *("organisation.networks.post_16=0,1", "organisation.national=[],[maths_hubs]", "evidence.doubt_factor=1,2"),
]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_scenarios_of_many_keys_at_once_are_what_load_scenario_makes_of_them(seed):
    draw = random.Random(seed)
    found = expand(draw.sample(POOL, 5), GRID)
    check_equal(found, some=draw.sample(range(len(found.values)), 8))
