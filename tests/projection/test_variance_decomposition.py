"""Where the uncertainty comes from: known shares are found, and a second method agrees."""

import os
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from tiny import TINY

from oa_sim import load_scenario
from oa_sim.inputs import areas
from oa_sim.plots import intervals
from oa_sim.programme import budget, delivered_effects, parameters
from oa_sim.projection import cohort, variance_decomposition
from oa_sim.report import run_brief
from oa_sim.report.formats import html_pages
from oa_sim.simulation import narrative

HERE = [*TINY, "measures=[key_stage_2]"]


@pytest.fixture(scope="module")
def pupils(known):
    return areas.pupils(known)


@pytest.fixture(scope="module")
def plenty(known, pupils):
    """Give a scenario, its money and many draws of its parameters, from two seeds."""
    scenario = load_scenario(*HERE)
    other = load_scenario(*HERE, "seed=2")
    money = budget.allocate(scenario, pupils)
    return scenario, money, *(parameters.drawn(one, known, 4, 500) for one in (scenario, other))


def normal(n, *names):
    rng = np.random.default_rng(7)
    return {name: rng.standard_normal((n, 1)) for name in names}


def test_shares_that_are_known_are_found():
    x = normal(4000, "a", "b", "c")
    y = 3 * x["a"] + 2 * x["b"] + x["c"] ** 2 / np.sqrt(2)  # variances 9, 4 and 1
    found, error = variance_decomposition.shares(y, x)
    for share, spread, true in zip(found[:, 0], error[:, 0], (9 / 14, 4 / 14, 1 / 14, 0.0), strict=True):
        assert abs(share - true) < 4 * spread + 0.005
    assert (error < 0.03).all()


def test_what_two_blocks_make_only_in_a_product_comes_from_them_together():
    x = normal(4000, "a", "b")
    found, _ = variance_decomposition.shares(x["a"] * x["b"] + x["a"], x)
    np.testing.assert_allclose(found[:, 0], [0.5, 0.0, 0.5], atol=0.06)


def test_shares_and_what_is_together_add_to_one():
    x = normal(500, "a", "b", "c")
    y = np.concatenate([x["a"] * x["b"], x["a"] + x["c"], x["b"] ** 3], axis=1)
    np.testing.assert_allclose(variance_decomposition.shares(y, x)[0].sum(axis=0), 1)


def test_the_unit_of_a_quantity_or_a_parameter_changes_nothing():
    x = normal(500, "a", "b")
    y = x["a"] + 0.5 * x["b"]
    one, other = (
        variance_decomposition.shares(y, x)[0],
        variance_decomposition.shares(1e6 * y - 3, {k: 1e-4 * v + 9 for k, v in x.items()})[0],
    )
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_the_standard_error_says_how_far_a_share_moves():
    rng = np.random.default_rng(3)
    found, said = [], []
    for _ in range(60):
        a, b = rng.standard_normal((2, 400, 1))
        share, error = variance_decomposition.shares(a + b, {"a": a, "b": b})
        found.append(share[0, 0])
        said.append(error[0, 0])
    assert 0.7 < np.std(found) / np.mean(said) < 1.4


def test_a_block_that_has_nothing_to_do_with_it_has_no_share():
    x = normal(2000, "a")
    x["many"] = np.random.default_rng(5).standard_normal((2000, 40))
    assert abs(variance_decomposition.shares(x["a"], x)[0][1, 0]) < 0.02


def test_too_few_draws_for_a_block_are_not_made_to_tell():
    x = normal(40, "a")
    x["many"] = np.random.default_rng(5).standard_normal((40, 30))
    found, _ = variance_decomposition.shares(x["a"], x)
    assert found[0, 0] > 0.9
    assert np.isnan(found[1:, 0]).all()


def test_what_does_not_vary_has_no_origins():
    assert np.isnan(variance_decomposition.shares(np.ones((100, 1)), normal(100, "a"))[0]).all()


def test_only_interventions_and_areas_with_money_enter(plenty):
    _, money, drawn, _ = plenty
    paid = int((money.spend.sum(["area", "year"]) > 0).sum())
    found = variance_decomposition.blocks(drawn, money)
    assert list(found) == ["effect", "scale_loss", "delivery", "fade_out", "survival"]
    widths = {name: values.shape[1] for name, values in found.items()}
    trained = sum(about.rests_on_trained_staff for about in load_scenario().interventions.values())
    assert widths == {
        "effect": paid + 2,  # and the two links from attendance and exclusions
        "scale_loss": drawn.sizes["study"],
        "delivery": 4 * paid + 3 + drawn.sizes["event"] + 6,  # what is one for all: overlap, load and the like
        "fade_out": 3 * paid + 1,
        "survival": 3 * paid + trained,
    }
    nothing = money.assign(spend=money.spend.where(money.area != "Norwich", 0.0))
    assert variance_decomposition.blocks(drawn, nothing)["delivery"].shape[1] == widths["delivery"] - 1


def test_a_parameter_that_is_new_belongs_to_delivery_and_kept_shares_to_the_loss_on_the_way_to_scale(plenty):
    _, money, drawn, _ = plenty
    one, other = (
        variance_decomposition.blocks(drawn, money),
        variance_decomposition.blocks(drawn.assign(load=drawn.overlap), money),
    )
    assert other["delivery"].shape[1] == one["delivery"].shape[1] + 1
    assert other["scale_loss"].shape == (2000, drawn.sizes["study"])


def test_of_an_effect_stands_only_what_the_loss_to_scale_does_not_tell(plenty):
    _, money, drawn, _ = plenty
    found = variance_decomposition.blocks(drawn, money)
    kept, effect = (found[name] - found[name].mean(0) for name in ("scale_loss", "effect"))
    assert abs(kept.T @ effect).max() < 1e-8 * len(kept)


@pytest.mark.slow
def test_the_shares_agree_with_a_pick_freeze_calculation_on_the_tiny_scenario(plenty, pupils):
    scenario, money, one, other = plenty

    def impact_of(drawn):
        active = delivered_effects.activity(scenario, money, pupils.rolls.sel(area=scenario.areas.names), drawn)
        gain = cohort.gain_by_measure(scenario, delivered_effects.new_gains(scenario, active, drawn), drawn)
        at = gain.sel(measure="key_stage_2", group="disadvantaged", year=[2030, 2035])
        return at.mean("area").values.reshape(-1, 2)

    def index(known, frozen):
        """Return the first-order index: how alike two worlds are that share one block alone."""
        middle = (known.mean(0) + frozen.mean(0)) / 2
        return ((known * frozen).mean(0) - middle**2) / ((known**2 + frozen**2).mean(0) / 2 - middle**2)

    found, error = variance_decomposition.shares(impact_of(one), variance_decomposition.blocks(one, money))
    first, second = impact_of(one), impact_of(other)
    placed = {name: block for block, names in variance_decomposition.BLOCKS.items() for name in names}
    for b, block in enumerate(variance_decomposition.blocks(one, money)):
        names = [name for name in one.data_vars if placed.get(name, "delivery") == block]
        swapped = [a.assign({name: z[name] for name in names}) for a, z in ((other, one), (one, other))]
        sobol = (index(first, impact_of(swapped[0])) + index(second, impact_of(swapped[1]))) / 2
        assert (abs(found[b] - sobol) < 4 * np.hypot(error[b], 0.016)).all(), block  # 0.016: of the other method


def test_the_origins_of_the_headline_are_told_by_area_year_and_block(every_area):
    rows = every_area.origins()
    assert set(rows.area) == {*every_area.draws.area.values, "mean of areas"}
    assert set(rows.quantity) == {"impact", "projection"}
    level = rows[rows.quantity == "projection"].pivot_table("share", ["area", "year"], "block")
    np.testing.assert_allclose(level.sum(axis=1), 1)
    assert set(level) == {"programme", "national", "area", "together"}
    assert (level.programme.abs() < 0.5).all()


def test_englands_course_beside_the_counterfactual_takes_nothing_from_it(tiny):
    assert "national" not in tiny.draws.coords


def test_without_money_only_the_level_has_origins(run_tiny):
    result = run_tiny("scenario=no_programme")
    rows = result.origins()
    assert set(rows.quantity) == {"projection"}
    assert set(rows.block) == {"national", "area", "together"}
    said = narrative.sources_of_uncertainty(result)[0]
    assert "impact" not in said
    assert "of the level of key stage 2 reading, writing and maths (Year 6) of disadvantaged pupils in 20" in said


def test_few_draws_say_that_they_are_too_few(tiny):
    said = narrative.sources_of_uncertainty(tiny)[0]
    assert said.startswith("There are too few draws to say where the uncertainty of the impact on key stage 2 ")


def test_enough_draws_name_the_block_that_most_comes_from(tiny):
    share = tiny.uncertainty.share.copy()
    share.loc[{"quantity": "impact"}] = xr.DataArray(
        [0.6, np.nan, 0.2, 0.05, 0.05, np.nan, 0.0, 0.0, 0.1], {"block": list(variance_decomposition.EVERY_BLOCK)}
    )
    told = tiny.uncertainty.assign(share=share, error=xr.full_like(share, 0.01))
    result = type(tiny)(**{**vars(tiny), "uncertainty": told})
    said = narrative.sources_of_uncertainty(result)[0]
    assert said.startswith("Most of the variance of the impact on key stage 2 reading, writing and maths (Year 6) of ")
    assert " comes from the effects: 60% (90% interval 58% to 62%)." in said
    assert "20% comes from delivery." in said
    page = html_pages.brief_page(run_brief.run_document(result))
    assert 'aria-label="Shares of variance' in page
    assert "the effects 60%" in page


def test_a_picture_of_parts_says_them_in_words_and_draws_no_negative_part():
    svg = intervals.stacked_picture(
        "x", "", "one 60%, other 40%", ["row"], ["one", "other"], np.array([[60.0, -1.0]])
    ).svg
    assert 'aria-label="one 60%, other 40%"' in svg
    assert svg.count("</svg>") == 1


@pytest.mark.slow
def test_the_shares_are_the_same_whatever_the_threads():
    code = (
        "import hashlib; from oa_sim import load_scenario, run;"
        "r = run(load_scenario('horizon=5', 'sampler.draws=100'));"
        "print(hashlib.sha256(r.uncertainty.share.values.tobytes() + r.uncertainty.error.values.tobytes()).hexdigest())"
    )
    hashes = set()
    for threads in ("1", "2"):
        surroundings = os.environ | {f"{name}_NUM_THREADS": threads for name in ("OMP", "OPENBLAS", "MKL")}
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env=surroundings, check=True
        )
        hashes.add(done.stdout)
    assert len(hashes) == 1
