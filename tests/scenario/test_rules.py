"""Rules: each key has one, checks are made from it, and a refusal names the key as it is typed."""

import math
import pickle
from dataclasses import asdict, replace

import pytest

from oa_sim import Refusal, load_scenario
from oa_sim.scenario import fields, rules
from oa_sim.scenario.assumptions import Prior
from oa_sim.scenario.config_files import leaves
from oa_sim.scenario.schema import Scenario

OPEN = ("split.shares.Norwich", "organisation.twins.Norwich", "portfolio.shares.early_language")


@pytest.fixture(scope="module")
def scenario():
    return load_scenario()


def test_every_leaf_of_a_scenario_has_a_rule_with_a_meaning(scenario):
    paths = [path for path, _ in leaves(asdict(scenario))]
    for path in (*paths, *OPEN):
        kind, rule, *_ = rules.look_up(path, Scenario)
        assert kind is not None
        assert rule is not None, path
        assert len(rule.meaning) > 3
        assert rule.meaning[0].isupper()
        assert not rule.meaning.endswith(".")


def test_every_number_has_a_range_and_every_distribution_of_an_assumption_a_support():
    free = {"delivery.disadvantage_factor", "sustainability.principle_shift"}  # may lie on either side of zero
    for record in fields():
        if record.kind in ("number", "whole number"):
            assert record.low < record.high, record.key
            assert record.low <= record.default <= record.high
        elif record.kind == "distribution":
            assert bool(record.range) != (record.key in free), record.key


def test_a_record_holds_what_a_control_needs():
    records = {record.key: record for record in fields()}
    money = records["budget.total_gbp"]
    assert (money.kind, money.low, money.high, money.default) == ("number", 0, 1e11, 108e6)
    assert (money.unit, money.owner) == ("£, nominal", "programme finance")
    assert "TWINNING-2020" in money.source
    assert money.help.startswith("£, nominal. 0 to 100,000,000,000. ")
    assert records["split.rule"].choices == ("equal", "per_pupil", "per_disadvantaged_pupil", "as_paid", "custom")
    assert records["interventions.early_language.acts_on.attainment"].label == (
        "Share of the effect on the channel: Early language programme in Reception, attainment"
    )
    assert records["horizon"].owner == ""  # what is asked needs no one to confirm it
    assert list(records) == [path for path, _ in leaves(asdict(load_scenario()))]


@pytest.mark.parametrize("value", [-1.0, 1e12, math.nan, math.inf, -math.inf])
def test_an_object_checks_itself_when_it_is_changed_and_names_its_key(scenario, value):
    with pytest.raises(Refusal, match=r"^budget.total_gbp must be £0 to £100,000,000,000, got .*: choose a number"):
        replace(scenario.budget, total_gbp=value)


def test_a_refusal_of_what_several_keys_may_hold_names_the_part_alone_until_its_holder_does():
    with pytest.raises(Refusal, match=r"^a must be above 0 in Beta\(0, 1\), got 0: raise it$"):
        Prior("Beta", 0, 1)
    plain = asdict(load_scenario())
    plain["evidence"]["fade_out"]["teaching"]["floor"]["a"] = 0.0
    with pytest.raises(Refusal, match=r"^evidence.fade_out.teaching.floor.a must be above 0"):
        rules.builder(Scenario)(plain)


def test_a_refusal_survives_the_way_from_another_process(scenario):
    with pytest.raises(Refusal) as caught:
        replace(scenario.budget, total_gbp=-1.0)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_what_is_built_equals_what_it_was_made_from_and_shares_nothing_with_it(scenario):
    plain = asdict(scenario)
    built = rules.builder(Scenario)(plain)
    assert built == scenario
    plain["measures"].clear()
    plain["organisation"]["board"].clear()
    assert built == scenario
    assert pickle.loads(pickle.dumps(built)) == scenario


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("budget.totl_gbp", "unknown key 'budget.totl_gbp': did you mean 'budget.total_gbp'"),
        ("budget.", "unknown key 'budget.'"),
        ("interventions.x.capcity", "did you mean 'interventions.x.capacity'"),
    ],
)
def test_a_key_that_the_schema_does_not_have_is_refused_with_the_nearest(key, says):
    with pytest.raises(Refusal) as caught:
        rules.look_up(key, Scenario)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("number", "text"),
    [(2018, "2018"), (0.001, "0.001"), (-2, "-2"), (1e11, "100,000,000,000"), (math.inf, "inf"), (1e300, "1e+300")],
)
def test_numbers_are_grouped_where_they_are_no_years(number, text):
    assert rules.spelled(number) == text
