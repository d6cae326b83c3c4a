import dataclasses

import numpy as np
import pytest
from scipy.stats import norm

from oa_sim import Refusal, evidence, load_scenario, parameters
from oa_sim.assumptions import Prior

STUDIES = {"reading": (1 / 0.05**2, 0.12 / 0.05**2), "mentoring": (1 / 0.1**2, -0.02 / 0.1**2)}


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


# from a study to an estimate


def test_months_become_sd_once():
    (study,) = evidence.scaled_studies(one_study(), keeping(1.0))
    assert study["effect"] == pytest.approx(0.31)
    assert study["sd"] == pytest.approx(0.1)


def test_an_effect_in_sd_is_left_alone():
    (study,) = evidence.scaled_studies(one_study(effect=0.2, effect_unit="sd"), keeping(1.0))
    assert study["effect"] == pytest.approx(0.2)


def test_months_outside_the_table_are_refused():
    with pytest.raises(Refusal, match=r"studies\.csv row 2: 3\.5 months"):
        evidence.scaled_studies(one_study(effect=3.5), keeping(1.0))


def test_the_loss_on_the_way_to_scale_is_taken_once():
    (study,) = evidence.scaled_studies(one_study(), keeping(0.5))
    assert study["effect"] == pytest.approx(0.155)
    assert study["sd"] == pytest.approx(0.05)


def test_the_spread_of_what_is_kept_widens_the_estimate_as_by_simulation():
    kept = Prior("Beta", 5, 8)
    (study,) = evidence.scaled_studies(one_study(), keeping(1.0, kept_from_efficacy=kept))
    rng = np.random.default_rng(1)
    simulated = rng.beta(5, 8, 400_000) * rng.normal(0.31, 0.1, 400_000)
    assert study["effect"] == pytest.approx(simulated.mean(), rel=0.01)
    assert study["sd"] == pytest.approx(simulated.std(), rel=0.01)


def test_less_is_kept_from_efficacy_than_from_effectiveness():
    standard = load_scenario().evidence
    (small,), (large,) = (evidence.scaled_studies(one_study(design=d), standard) for d in ("toolkit", "effectiveness"))
    assert small["effect"] < large["effect"]


def test_a_doubted_study_pulls_less(known):
    scenario = load_scenario()
    doubted = {row["study_type"] for row in known["studies"] if row["status"] == "to verify"}
    trusted = {row["study_type"] for row in known["studies"]} - doubted
    assert doubted
    pulls = []
    for factor in (1.0, 10.0):
        reading = dataclasses.replace(scenario.evidence, doubt_factor=factor)
        pulls.append(evidence._pooled(evidence.scaled_studies(known, reading)))
    assert all(pulls[1][name][0] < pulls[0][name][0] for name in doubted)
    assert all(pulls[1][name] == pulls[0][name] for name in trusted)


# from estimates to effects


def brute_force(reading, grid):
    """Return weight of tau, and mean and SD of mu given it, by summing over a fine grid of mu."""
    mu = np.linspace(-0.4, 0.5, 4001)
    log_density = (
        norm.logpdf(mu, reading.family_mean.a, reading.family_mean.b)
        - 0.5 * ((grid / reading.family_spread.a) ** 2)[:, None]
    )
    for precision, pull in STUDIES.values():
        log_density = log_density + norm.logpdf(pull / precision, mu, np.sqrt(1 / precision + grid**2)[:, None])
    density = np.exp(log_density - log_density.max())
    weight = density.sum(1)
    mean = (density * mu).sum(1) / weight
    sd = np.sqrt((density * (mu - mean[:, None]) ** 2).sum(1) / weight)
    return weight / weight.sum(), mean, sd


def test_the_family_of_trials_is_what_brute_force_gives():
    reading = load_scenario().evidence
    grid = np.linspace(0.001, 4 * reading.family_spread.a, evidence.GRID)
    for found, expected in zip(evidence._family(STUDIES, reading, grid), brute_force(reading, grid), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-8)


def test_without_spread_every_effect_is_the_familys(known):
    scenario = load_scenario("evidence.family_spread.a=0.0003")
    drawn = evidence.effects(scenario, known, 2, 2000).values.reshape(-1, len(scenario.interventions))
    by_type = evidence._pooled(evidence.scaled_studies(known, scenario.evidence))
    prior = scenario.evidence.family_mean
    precision = prior.b**-2 + sum(total for total, _ in by_type.values())
    mean = (prior.a * prior.b**-2 + sum(pull for _, pull in by_type.values())) / precision
    assert np.ptp(drawn, axis=1).max() < 0.015
    np.testing.assert_allclose(drawn.mean(0), mean, atol=5 * precision**-0.5 / np.sqrt(4000) + 1e-4)
    np.testing.assert_allclose(drawn.std(0), precision**-0.5, rtol=0.08)


def test_a_study_that_is_sure_speaks_for_itself(known):
    sure = known | {"studies": [row | {"standard_error_sd": 1e-4} for row in known["studies"]]}
    scenario = dataclasses.replace(load_scenario(), evidence=keeping(0.5))
    by_type = evidence._pooled(evidence.scaled_studies(sure, scenario.evidence))
    drawn = evidence.effects(scenario, sure, 2, 200).mean(["chain", "draw"])
    for name, about in scenario.interventions.items():
        if about.study_type in by_type:
            precision, pull = by_type[about.study_type]
            assert float(drawn.sel(intervention=name)) == pytest.approx(pull / precision, abs=1e-3)


def test_an_intervention_without_studies_is_drawn_from_the_family(known):
    scenario = load_scenario("interventions.early_language.study_type=family")
    drawn = evidence.effects(scenario, known, 2, 4000).sel(intervention="early_language").values.ravel()
    reading = scenario.evidence
    by_type = evidence._pooled(evidence.scaled_studies(known, reading))
    grid = 4 * reading.family_spread.a * np.arange(1, evidence.GRID + 1) / evidence.GRID
    weight, mean, sd = evidence._family(by_type, reading, grid)
    expected = (weight * mean).sum()
    spread = np.sqrt((weight * (sd**2 + grid**2 + mean**2)).sum() - expected**2)
    assert drawn.mean() == pytest.approx(expected, abs=5 * spread / np.sqrt(8000))
    assert drawn.std() == pytest.approx(spread, rel=0.06)


def test_a_sceptic_expects_less_of_every_intervention(known):
    standard, sceptical = (
        evidence.effects(load_scenario(f"evidence={name}"), known, 2, 2000).mean(["chain", "draw"])
        for name in ("standard", "sceptical")
    )
    assert bool((sceptical < standard).all())


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
        assert evidence.moments(prior) == pytest.approx((mean, sd**2))


def test_no_principle_in_place_shifts_nothing():
    assert not parameters.principle_shift(load_scenario(), (2, 20)).any()


def test_a_share_moved_on_the_log_odds_scale_stays_a_share():
    shares = np.array([0.0, 0.2, 0.5, 1.0])
    moved = parameters._shifted(shares, np.full(4, np.log(2)))
    assert moved[2] == pytest.approx(2 / 3)
    assert moved[1] == pytest.approx(1 / 3)
    assert ((moved >= 0) & (moved <= 1)).all()


def test_shares_are_shares_and_delivery_has_mean_one(known):
    drawn = parameters.drawn(load_scenario(), known, 4, 1000)
    shares = "dose first_year later floor survives survives_later quality overlap leave_area"
    for name in shares.split():
        assert 0 <= float(drawn[name].min()) <= float(drawn[name].max()) <= 1
    assert float(drawn.delivery.mean()) == pytest.approx(1, abs=0.01)
