import dataclasses

import numpy as np
import pytest
from scipy.stats import norm

from oa_sim import Refusal, load_scenario
from oa_sim.evidence import studies
from oa_sim.programme import parameters
from oa_sim.scenario.assumptions import Prior


def keeping(share, **more):
    """Return the standard reading with a fixed share kept from every study, and no doubt."""
    kept = Prior("Uniform", share, share)
    standard = load_scenario().evidence
    return dataclasses.replace(
        standard, **{"kept_from_efficacy": kept, "kept_from_effectiveness": kept, "doubt_factor": 1.0, **more}
    )


def one_study(**changes):
    row = {
        "study": "one", "study_type": "reading", "effect": 4.0, "effect_unit": "months", "standard_error_sd": 0.1,
        "design": "efficacy", "status": "found", "row": 2,
    }  # fmt: skip
    months = [{"months": 4.0, "lowest_sd": 0.27, "highest_sd": 0.35}]
    return {"studies": [row | changes], "months": months}


# as it is read


def test_months_become_sd_once():
    (study,) = studies.studies(one_study(), keeping(1.0))
    assert (study.effect, study.error) == (pytest.approx(0.31), 0.1)


def test_an_effect_in_sd_is_left_alone():
    (study,) = studies.studies(one_study(effect=0.2, effect_unit="sd"), keeping(1.0))
    assert study.effect == 0.2


def test_months_outside_the_table_are_refused():
    with pytest.raises(Refusal, match=r"studies\.csv row 2: 3\.5 months"):
        studies.studies(one_study(effect=3.5), keeping(1.0))


def test_a_doubted_study_has_a_wider_error_and_the_same_effect():
    reading = dataclasses.replace(keeping(1.0), doubt_factor=3.0)
    (trusted,), (doubted,) = (studies.studies(one_study(status=s), reading) for s in ("found", "to verify"))
    assert doubted.error == pytest.approx(3 * trusted.error)
    assert doubted.effect == trusted.effect


def test_the_order_of_rows_is_irrelevant(known):
    reading = load_scenario().evidence
    turned = known | {"studies": known["studies"][::-1]}
    assert studies.studies(turned, reading) == studies.studies(known, reading)


# leaving studies out


def test_a_study_that_is_left_out_is_not_read(known):
    name = known["studies"][0]["study"]
    reading = dataclasses.replace(load_scenario().evidence, without=[name])
    assert {study.name for study in studies.studies(known, reading)} == {row["study"] for row in known["studies"][1:]}


def test_its_type_stays_known_when_its_only_study_is_left_out(known):
    scenario = load_scenario("evidence.without=[Magic Breakfast trial]")
    studies.check(scenario, known)
    assert "breakfast" in studies.study_types(known)


def test_an_unknown_study_is_refused_with_the_nearest(known):
    reading = dataclasses.replace(load_scenario().evidence, without=["Magic Breakfst trial"])
    with pytest.raises(Refusal, match="did you mean 'Magic Breakfast trial'"):
        studies.studies(known, reading)


def test_a_study_named_twice_is_refused():
    with pytest.raises(Refusal, match="must name each once, got \\['Phonics strand', 'Phonics strand'\\]"):
        load_scenario("evidence.without=[Phonics strand, Phonics strand]")


def test_not_every_study_can_be_left_out(known):
    reading = dataclasses.replace(load_scenario().evidence, without=[row["study"] for row in known["studies"]])
    with pytest.raises(Refusal, match="must leave a study to read"):
        studies.studies(known, reading)


# the loss on the way to scale


def test_a_share_that_is_known_is_taken_once():
    (study,) = studies.studies(one_study(), keeping(0.5))
    assert study.at_scale() == (pytest.approx(0.155), pytest.approx(0.05))
    effects = np.array([0.05, 0.155, 0.3])
    np.testing.assert_allclose(study.log_likelihood(effects), norm.logpdf(0.31, effects / 0.5, 0.1))


@pytest.mark.parametrize(("design", "share"), [("effectiveness", 8 / 11), ("efficacy", 5 / 13), ("toolkit", 5 / 13)])
def test_a_design_keeps_what_it_keeps_once(design, share):
    (study,) = studies.studies(one_study(design=design), load_scenario().evidence)
    shares, weights = study.shares()
    assert study.kept[0] == pytest.approx(share)
    assert weights @ shares == pytest.approx(share)
    assert study.at_scale()[0] == pytest.approx(share * 0.31)


def test_the_spread_of_what_is_kept_widens_the_estimate_as_by_simulation():
    kept = Prior("Beta", 5, 8)
    (study,) = studies.studies(one_study(), keeping(1.0, kept_from_efficacy=kept))
    rng = np.random.default_rng(1)
    simulated = rng.beta(5, 8, 400_000) * rng.normal(0.31, 0.1, 400_000)
    mean, sd = study.at_scale()
    assert mean == pytest.approx(simulated.mean(), rel=0.01)
    assert sd == pytest.approx(simulated.std(), rel=0.01)


@pytest.mark.parametrize(
    "kept", [Prior("Beta", 5, 8), Prior("Beta", 3, 9), Prior("Uniform", 0.2, 0.9), Prior("Beta", 1e4, 3e4)], ids=str
)
def test_a_share_is_summed_out_as_by_simulation(kept):
    (study,) = studies.studies(one_study(), keeping(1.0, kept_from_efficacy=kept))
    shares = study.share_at(np.random.default_rng(1).random(400_000))
    effects = np.array([0.02, 0.06, 0.12])
    simulated = np.log(norm.pdf(0.31, effects[:, None] / shares, 0.1).mean(axis=1))
    np.testing.assert_allclose(study.log_likelihood(effects), simulated, atol=0.02)


# draws


@pytest.mark.parametrize(
    ("prior", "mean", "sd"),
    [
        (Prior("Beta", 2, 8), 0.2, np.sqrt(0.16 / 11)),
        (Prior("Normal", 0.5, 0.3), 0.5, 0.3),
        (Prior("LogNormal", 1.25, 0.3), 1.25 * np.exp(0.045), 1.25 * np.exp(0.045) * np.sqrt(np.expm1(0.09))),
        (Prior("Uniform", 1, 3), 2.0, np.sqrt(1 / 3)),
        (Prior("HalfNormal", 0.06), 0.06 * np.sqrt(2 / np.pi), 0.06 * np.sqrt(1 - 2 / np.pi)),
    ],
    ids=lambda value: getattr(value, "dist", ""),
)
def test_a_prior_is_drawn_as_it_is_described(prior, mean, sd):
    drawn = parameters.draw(prior, np.random.default_rng(1), (4, 20_000))
    assert drawn.mean() == pytest.approx(mean, rel=0.02)
    assert drawn.std() == pytest.approx(sd, rel=0.02)
    if prior.dist in ("Beta", "Uniform"):
        assert studies.moments(prior) == pytest.approx((mean, sd**2))


def test_no_principle_in_place_shifts_nothing():
    assert not parameters.principle_shift(load_scenario(), (2, 20)).any()


def test_a_share_moved_on_the_log_odds_scale_stays_a_share():
    shares = np.array([0.0, 0.2, 0.5, 1.0])
    moved = parameters.shifted(shares, np.full(4, np.log(2)))
    assert moved[2] == pytest.approx(2 / 3)
    assert moved[1] == pytest.approx(1 / 3)
    assert ((moved >= 0) & (moved <= 1)).all()


def test_shares_are_shares_and_delivery_has_mean_one(known):
    drawn = parameters.drawn(load_scenario(), known, 4, 1000)
    shares = "dose first_year later floor survives survives_later quality overlap leave_area"
    for name in shares.split():
        assert 0 <= float(drawn[name].min()) <= float(drawn[name].max()) <= 1
    assert float(drawn.delivery.mean()) == pytest.approx(1, abs=0.01)
