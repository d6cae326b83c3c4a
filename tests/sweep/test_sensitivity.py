"""What a sweep's headline rests on: closed forms are found within the intervals, by each of the three ways."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import qmc

from oa_sim.errors import Refusal
from oa_sim.plots import decision_charts
from oa_sim.sweep import findings, sensitivity

KEYS = ["a", "b", "c", "d"]
WEIGHTS = np.array([3.0, 2.0, 1.0, 0.0])
LINEAR = WEIGHTS**2 / (WEIGHTS**2).sum()


def saltelli(n, width, seed=1):
    """Give the rows of a Saltelli design, by its definition rather than by the library that reads it."""
    both = qmc.Sobol(2 * width, rng=seed).random(n)
    base, other = both[:, :width], both[:, width:]
    rows = [base]
    for j in range(width):
        rows.append(base.copy())
        rows[-1][:, j] = other[:, j]
    return np.stack([*rows, other], axis=1).reshape(-1, width)


def table_of(points, law, keys=KEYS):
    return pd.DataFrame(points, columns=keys).assign(y=law(points), failed="", verdict="PASS")


def linear(points):
    return points @ WEIGHTS


def shares(found, index="first"):
    return found[found["index"] == index].set_index("key")


def holds(found, true):
    """Return whether each interval holds what is true."""
    return ((found.low <= true) & (true <= found.high)).to_numpy()


def test_sobol_indices_of_a_sum_are_the_shares_of_its_terms_first_and_in_total():
    table = table_of(saltelli(512, 4), linear)
    found = sensitivity.sobol(table, KEYS, dict.fromkeys(KEYS, (0, 1)), "y")
    for index in ("first", "total"):
        each = shares(found, index).loc[KEYS]
        assert holds(each, LINEAR).all()
        assert (each.high - each.low < 0.3).all()
    assert holds(shares(found).loc[["together"]], 0.0).all()


def test_sobol_indices_of_ishigami_agree_with_its_closed_form():
    def ishigami(points):
        x = np.pi * (2 * points - 1)
        return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])

    table = table_of(saltelli(1024, 3), ishigami, KEYS[:3])
    found = sensitivity.sobol(table, KEYS[:3], {}, "y")
    assert holds(shares(found).loc[KEYS[:3]], np.array([0.3139, 0.4424, 0.0])).all()
    assert holds(shares(found, "total").loc[KEYS[:3]], np.array([0.5576, 0.4424, 0.2437])).all()


def test_the_same_seed_gives_the_same_indices_and_another_moves_the_intervals_alone():
    table = table_of(saltelli(64, 4), linear)
    one, again, other = (sensitivity.sobol(table, KEYS, {}, "y", seed=seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(one, again)
    np.testing.assert_array_equal(one.share, other.share)
    assert (one.high != other.high).any()


def test_rows_that_are_not_in_the_order_of_the_design_are_refused():
    table = table_of(saltelli(64, 4), linear)
    for wrong in (table.iloc[:-1], table.iloc[::-1], table.sample(frac=1, random_state=1)):
        with pytest.raises(Refusal, match="whole and in its order"):
            sensitivity.sobol(wrong, KEYS, {}, "y")


def test_a_choice_in_a_saltelli_design_is_read_like_a_number():
    points = saltelli(256, 4)
    table = table_of(points, lambda u: u[:, 0] + (u[:, 1] < 0.5))
    table["b"] = np.where(table.b < 0.5, "equal", "per_pupil")
    found = shares(sensitivity.sobol(table, KEYS, {}, "y")).loc[KEYS]
    assert holds(found, np.array([0.25, 0.75, 0.0, 0.0])).all()


def test_a_failed_scenario_of_a_saltelli_design_is_refused_with_its_number_and_reason():
    table = table_of(saltelli(64, 4), linear)
    table.loc[7, "failed"], table.loc[7, "y"] = "horizon must be 5 to 15.", np.nan
    with pytest.raises(Refusal, match=r"1 of 384 .* number 7: horizon must be 5 to 15\)"):
        sensitivity.sobol(table, KEYS, {}, "y")


def test_too_few_base_points_are_refused():
    with pytest.raises(Refusal, match="16 base points"):
        sensitivity.sobol(table_of(saltelli(8, 4), linear), KEYS, {}, "y")


@pytest.mark.parametrize("n", [64, 256])
@pytest.mark.parametrize("sampler", [qmc.Sobol, qmc.LatinHypercube])
def test_shares_from_a_sample_as_it_is_agree_with_the_closed_form(sampler, n):
    held, error = [], []
    for seed in range(20):
        table = table_of(sampler(4, rng=seed).random(n), linear)
        found = sensitivity.given_data(table, KEYS, "y", seed=seed, is_even=sampler is qmc.Sobol).set_index("key")
        held.append(holds(found.loc[KEYS], LINEAR))
        error.append(found.share.loc[KEYS].to_numpy() - LINEAR)
    assert np.mean(held) >= 0.85
    assert abs(np.mean(error, axis=0)).max() < (0.015 if sampler is qmc.Sobol else 0.04)


@pytest.mark.parametrize(("n", "width"), [(64, 8), (256, 4)])
@pytest.mark.parametrize("sampler", [qmc.Sobol, qmc.LatinHypercube])
def test_noise_gives_no_key_a_share_that_a_reader_would_take_for_real(sampler, n, width):
    keys, mean, named = list("abcdefgh")[:width], [], 0
    for seed in range(15):
        noise = np.random.default_rng(seed).standard_normal(n)
        table = table_of(sampler(width, rng=seed).random(n), lambda u, noise=noise: noise, keys)
        found = sensitivity.given_data(table, keys, "y", seed=seed, is_even=sampler is qmc.Sobol)
        mean.append(shares(found).share.loc[keys].mean())
        named += len(findings.clear(found))
        (said,) = findings.whence(found, "y", n, "") if not len(findings.clear(found)) else ("",)
        assert "no key alone has a share that is clear of chance" in said
    assert abs(np.mean(mean)) < 0.01  # 3 waves of 63 would be 0.05 for each of the eight
    assert named == 0


def test_half_noise_leaves_a_sobol_sample_the_shares_that_are_there():
    held, error = [], []
    for seed in range(15):
        noise = np.random.default_rng(seed).standard_normal(256) * np.sqrt(14 / 12)
        table = table_of(qmc.Sobol(4, rng=seed).random(256), lambda u, noise=noise: linear(u) + noise)
        found = sensitivity.given_data(table, KEYS, "y", seed=seed, is_even=True)
        held.append(holds(shares(found).loc[KEYS], LINEAR / 2))
        error.append(shares(found).share.loc[KEYS].to_numpy() - LINEAR / 2)
        assert set(findings.clear(found).key) >= {"a"}
    assert np.mean(held) >= 0.85
    assert abs(np.mean(error, axis=0)).max() < 0.02


def test_chance_is_what_a_key_that_does_nothing_passes_once_in_twenty():
    passed = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        table = table_of(rng.random((80, 4)), lambda u, rng=rng: rng.standard_normal(len(u)))
        found = shares(sensitivity.given_data(table, KEYS, "y", seed=seed)).loc[KEYS]
        passed.append(found.share > found.chance)
    assert 0.01 <= np.mean(passed) <= 0.11


def test_a_sobol_sample_with_failed_rows_is_read_as_random_rows_and_says_so():
    table = table_of(qmc.Sobol(3, rng=1).random(256), lambda u: 3 * u[:, 0] + u[:, 1], KEYS[:3])
    rows = table[table.a + table.c <= 1]
    design = {"kind": "sobol", "seed": 1}
    found = sensitivity.indices(rows, design, KEYS[:3], {}, "y", n_gone=len(table) - len(rows))
    plain = sensitivity.given_data(rows, KEYS[:3], "y", seed=1)
    np.testing.assert_array_equal(found.share, plain.share)
    assert (found.method == "given data, failed rows left out").all()


def told(*rows, chance=np.nan, index="first"):
    """Give shares as a table: key, share, low, high."""
    table = pd.DataFrame(rows, columns=["key", "share", "low", "high"])
    return table.assign(headline="y", index=index, method="given data", n_rows=40, chance=chance)


@pytest.mark.parametrize(
    ("rows", "holds", "lacks"),
    [
        ([("split", 0.0, -0.02, 0.02), ("budget", 0.5, 0.1, 0.9)], "none of the other keys alone", "comes from split"),
        ([("split", 0.3, 0.2, 0.4), ("budget", 0.5, 0.1, 0.9)], "a known part comes from split", "most comes"),
        ([("split", 0.3, 0.2, 0.4), ("budget", np.nan, np.nan, np.nan)], "a known part comes from split", "most"),
        ([("split", 0.7, 0.6, 0.8), ("budget", 0.2, -0.2, 0.5)], "most comes from split", "a known part"),
        ([("split", 0.2, 0.1, 0.3), ("budget", 0.1, 0.05, 0.2)], "the largest parts come from split", "most comes"),
        ([("split", 0.6, 0.5, 0.7), ("budget", 0.0, -0.1, 0.1)], "most comes from split", "budget"),
    ],
)
def test_only_a_key_that_is_known_and_that_no_unknown_one_could_pass_is_said_to_give_most(rows, holds, lacks):
    said = " ".join(findings.whence(told(*rows), "y", 40, ""))
    assert holds in said
    assert lacks not in said


def test_a_key_whose_interval_reaches_down_to_chance_is_not_named():
    rows = told(("a", 0.6, 0.5, 0.7), ("b", 0.1, 0.04, 0.16), chance=0.05)
    assert findings.clear(rows).key.tolist() == ["a"]
    assert findings.clear(rows.assign(chance=0.03)).key.tolist() == ["a", "b"]


def test_what_keys_do_together_alone_is_told_of_a_whole_grid():
    table = pd.DataFrame({"a": [0, 0, 1, 1], "b": [0, 1, 0, 1], "y": [0.0, 1.0, 1.0, 0.0]})
    (said,) = findings.whence(sensitivity.grid(table, ["a", "b"], "y"), "y", 4, "")
    assert "no key alone has a share; the largest share with interactions is that of a, 100% (exact" in said


def test_intervals_from_a_random_sample_hold_what_is_true_about_nine_times_in_ten():
    held = []
    for seed in range(60):
        points = np.random.default_rng(seed).random((200, 4))
        table = table_of(points, lambda u: linear(u) + 3 * (u[:, 2] - 0.5) * (u[:, 3] - 0.5))
        true = np.array([9, 4, 1, 0]) / (14 + 9 / 12)
        held.append(holds(sensitivity.given_data(table, KEYS, "y", seed=seed).set_index("key").loc[KEYS], true))
    assert 0.80 <= np.mean(held) <= 0.99


def test_choices_switches_and_numbers_with_few_values_are_read_value_by_value():
    rng = np.random.default_rng(5)
    table = pd.DataFrame({
        "split": rng.choice(["equal", "per_pupil", "custom"], 400), "horizon": rng.integers(5, 9, 400),
        "is_on": rng.random(400) < 0.5, "dose": rng.random(400),
    })  # fmt: skip
    table["y"] = (table.split == "custom") + 0.3 * (table.horizon - 5) + 0.0 * table.dose
    found = sensitivity.given_data(table, ["split", "horizon", "is_on", "dose"], "y").set_index("key")
    v = np.array([2 / 9, 0.09 * 1.25])
    assert holds(found.loc[["split", "horizon", "is_on", "dose"]], np.array([*v / v.sum(), 0, 0])).all()


def test_another_key_does_not_change_what_a_key_explains():
    table = table_of(qmc.LatinHypercube(4, rng=3).random(100), linear)
    one, more = (sensitivity.given_data(table, keys, "y").set_index("key").loc["a"] for keys in (["a"], KEYS))
    pd.testing.assert_series_equal(one, more)


def test_a_whole_grid_is_taken_apart_exactly():
    a, b = np.meshgrid([0.0, 1.0, 2.0], ["x", "y"], indexing="ij")
    table = pd.DataFrame({"a": a.ravel(), "b": b.ravel()})
    table["y"] = table.a + (table.b == "y") * table.a  # main effects 1.5 (a - 1) and 0.5, product 0.5 (a - 1)
    found = sensitivity.indices(table, {"kind": "grid"}, ["a", "b"], {}, "y")
    parts = np.array([1.5**2 * 2 / 3, 0.5**2, 0.5**2 * 2 / 3])
    parts /= parts.sum()
    np.testing.assert_allclose(shares(found).share.loc[["a", "b", "together"]], parts)
    np.testing.assert_allclose(shares(found, "total").share.loc[["a", "b"]], parts[:2] + parts[2])
    assert (found.low == found.high).all()


def test_a_grid_with_a_hole_is_a_sample_and_needs_rows_enough():
    table = pd.DataFrame({"a": [0, 0, 1], "b": [0, 1, 0], "y": [0.0, 1.0, 2.0]})
    with pytest.raises(Refusal, match="30 scenarios or a whole grid, got 3"):
        sensitivity.indices(table, {"kind": "grid"}, ["a", "b"], {}, "y")


# the tornado


@pytest.mark.parametrize(
    ("key", "lines"),
    [
        ("organisation.schools_take", ["organisation.", "schools_take"]),
        ("budget.total_gbp", ["budget.total_gbp"]),
        ("a_very_long_name_without_a_dot", ["a_very_long_name_", "without_a_dot"]),
        ("x" * 30, ["x" * 24, "x" * 6]),
    ],
)
def test_a_long_key_is_broken_after_a_dot_or_an_underscore(key, lines):
    assert decision_charts.lines(key) == lines


def test_the_picture_does_not_break_a_key_inside_a_word():
    long = "organisation.schools_take"
    table = table_of(qmc.Sobol(4, rng=3).random(64), linear, [long, "b", "c", "d"])
    rows = sensitivity.tornado(table, [long, "b", "c", "d"], "y")
    svg = decision_charts.tornado_picture(rows, table, "y", "points").svg
    assert ">schools_take<" in svg.partition("</title>")[2]


def test_a_tornado_of_a_sum_moves_by_nine_tenths_of_each_weight():
    table = table_of(qmc.Sobol(4, rng=3).random(1024), linear)
    found = sensitivity.tornado(table, KEYS, "y")
    assert found.key.drop_duplicates().tolist() == KEYS  # the greatest first
    swing = found.groupby("key").swing.first()[KEYS]
    np.testing.assert_allclose(swing, 0.9 * WEIGHTS, atol=0.1)
    mean = found[found.end == "high end"].set_index("key").loc[KEYS]
    assert holds(mean, 3.0 + 0.45 * WEIGHTS).all()
    ends = found[(found.key == "a") & (found.end == "low end")].iloc[0]
    assert ends.value_from < 0.01
    assert 0.09 < ends.value_to < 0.11


def test_a_tornado_of_a_grid_has_the_means_of_its_values():
    a, b = np.meshgrid([1, 2, 3], ["x", "y"], indexing="ij")
    table = pd.DataFrame({"a": a.ravel(), "b": b.ravel()})
    table["y"] = 2.0 * table.a + (table.b == "y")
    found = sensitivity.tornado(table, ["a", "b"], "y")
    assert found[found.key == "a"]["mean"].tolist() == [2.5, 4.5, 6.5]
    assert found[found.key == "a"].end.tolist() == ["low end", "value", "high end"]
    assert found[found.key == "b"]["where"].tolist() == ["x", "y"]
    assert (found.low == found.high).all()


def test_the_picture_says_in_words_what_it_shows_and_takes_no_text_for_a_formula():
    table = table_of(qmc.Sobol(4, rng=3).random(64), linear)
    table["d"] = np.where(table.d < 0.5, "$x$", "<y>")
    table = table.rename(columns={"y": "impact_mean"}).assign(impact_q05=1.0, impact_q95=5.0)
    drawn = decision_charts.tornado_picture(
        sensitivity.tornado(table, KEYS, "impact_mean"), table, "impact_mean", "points", " [FAIL]"
    )
    svg = drawn.svg
    assert svg.startswith("<svg xmlns=")
    assert drawn.png.startswith(b"\x89PNG")
    label = svg.partition('aria-label="')[2].partition('">')[0]
    assert "impact mean [FAIL], points" in label
    assert "draws of a scenario run from 1.00 to 5.00" in label
    assert "&lt;y&gt;" in label
    assert "What moves impact mean [FAIL]" in svg.partition("</title>")[2]
    assert "$x$" in svg.partition("</title>")[2]
