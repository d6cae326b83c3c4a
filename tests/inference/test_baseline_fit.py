"""The learned posterior: what the package carries, what is refused, and what reading and writing keep."""

import json

import numpy as np
import pytest
import simulated
import xarray as xr
from fingerprint import fingerprint

from oa_sim import Refusal, definitions, load_scenario
from oa_sim.cli.model_commands import dry_run
from oa_sim.inference import baseline_fit, baseline_model, posterior_files, sampling
from oa_sim.inputs import panel, published_files, tables
from oa_sim.scenario.load import load_learning


@pytest.fixture(scope="module")
def shipped():
    return baseline_fit.load()


def refused(call):
    with pytest.raises(Refusal) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


# what the package carries


def test_the_shipped_posterior_says_what_made_it(shipped):
    made = json.loads(shipped.attrs["made"])
    assert made["command"].startswith("oa-sim fit panel.path=")
    assert len(made["panel_hash"]) == 64
    assert made["authorities"] >= 150
    assert made["figures"] > 10_000
    assert made["until"] == 2025
    assert set(made["versions"]) == {"python", *sampling.LIBRARIES}
    given = load_learning("panel.path=panel.csv")
    assert made["seed"] == given.seed
    assert made["sampler"] == vars(given.sampler)  # so that the plain command makes it again


def test_the_shipped_posterior_was_learned_by_this_law(shipped):
    assert baseline_fit.law_version(json.loads(shipped.attrs["made"])) == baseline_fit.LAW_VERSION


@pytest.mark.slow  # compiles the model
def test_the_version_of_the_law_is_told_by_how_its_density_behaves():
    played = simulated.play(simulated.small(), simulated.typical(), np.random.default_rng(2017))
    told = json.loads((tables.FOLDER / "law_fingerprints.json").read_text(encoding="utf-8"))
    found = fingerprint(baseline_model.model(played))
    np.testing.assert_allclose(found, told[baseline_fit.LAW_VERSION], rtol=1e-8, atol=1e-8)


def test_the_shipped_posterior_is_of_the_series_that_are_modelled(shipped):
    assert shipped.series.values.tolist() == baseline_model.labels(definitions.series())
    assert shipped.linked.values.tolist() == list(definitions.LINKED)
    assert shipped.pair.values.tolist() == baseline_model.pairs(definitions.series())
    assert set(shipped.data_vars) == set(baseline_fit.KEPT) == set(definitions.POSTERIOR_NAMES)


def test_the_shipped_posterior_lies_within_what_its_names_can_mean(shipped):
    assert all(np.isfinite(values).all() for values in shipped.data_vars.values())
    for name in ("level_sd", "drift_sd", "deviation_sd", "noise_sd", "luck", "national_sd", "break_sd"):
        assert float(shipped[name].min()) > 0, name
    for name in ("persistence", "cohort_link", "national_damping", "groups_alike"):
        assert 0 < float(shipped[name].min()) <= float(shipped[name].max()) < 1, name
    assert float(abs(shipped.deviation_alike).max()) < 1
    assert float(shipped.freedom.min()) > 2


def test_a_run_carries_what_the_config_says_the_posterior_holds(shipped):
    assert load_scenario().sampler.draws == shipped.sizes["draw"]


def test_a_plan_says_what_was_learned_from():
    made = json.loads(baseline_fit.load().attrs["made"])
    found = dry_run(load_scenario("areas=Norwich", "horizon=5")).facts
    assert found["posterior"] == f"fitted to {made['authorities']} authorities up to 2024/25"
    assert found["draws"] == 2000


# fewer draws, and more


def test_fewer_draws_are_the_first_ones_and_judged_anew(shipped):
    few = baseline_fit.load(draws=20)
    xr.testing.assert_identical(few.drop_attrs(), shipped.isel(draw=slice(20)).drop_attrs())
    gates = json.loads(few.attrs["gates"])
    assert gates["verdict"] == "FAIL"
    assert gates["n_draws"] == 20 * shipped.sizes["chain"]
    assert few.attrs["made"] == shipped.attrs["made"]


def test_divergences_are_not_forgotten_with_the_draws(tiny_posterior, tmp_path):
    gates = json.loads(tiny_posterior.attrs["gates"]) | {"divergences": 3}
    posterior_files.write(tiny_posterior.assign_attrs(gates=json.dumps(gates)), tmp_path / "learned.nc")
    assert json.loads(baseline_fit.load(tmp_path / "learned.nc", 10).attrs["gates"])["divergences"] == 3


def test_all_draws_keep_the_gates_that_they_came_with(shipped):
    every = baseline_fit.load(draws=shipped.sizes["draw"])
    assert every.attrs == shipped.attrs


def test_more_draws_than_are_held_are_refused(written):
    assert "sampler.draws must be at most 500" in refused(lambda: baseline_fit.load(draws=501))
    assert "sampler.draws must be at most 20" in refused(lambda: baseline_fit.load(written, 21))


# what is kept of learning


def made_up(monkeypatch, tiny_posterior):
    """Let what is sampled be the few draws, and count how often."""
    asked = []

    def sample(model, sampler, seed, **_):
        asked.append(seed)
        return tiny_posterior

    monkeypatch.setattr(sampling, "sample", sample)
    monkeypatch.setattr(baseline_model, "model", lambda known: None)
    return asked


def test_what_was_learned_is_learned_once(monkeypatch, tiny_posterior, tmp_path, known):
    from oa_sim.inputs import areas

    monkeypatch.setenv("OA_SIM_CACHE", str(tmp_path / "cache"))
    asked, said = made_up(monkeypatch, tiny_posterior), []
    learning, history = load_learning("panel.path=panel.csv"), areas.history(known, 2023)
    first, second = (baseline_fit.learn(learning, history, "a" * 64, said.append) for _ in range(2))
    assert posterior_files.checksum(first) == posterior_files.checksum(second)
    assert len(asked) == 1
    assert said == [said[0], "using the posterior that was fitted to this panel before"]
    made = json.loads(first.attrs["made"])
    assert (made["panel_hash"], made["until"], made["authorities"]) == ("a" * 64, 2023, 24)
    others = {
        "panel": lambda: baseline_fit.learn(learning, history, "b" * 64, said.append),
        "seed": lambda: baseline_fit.learn(
            load_learning("panel.path=panel.csv", seed=1), history, "a" * 64, said.append
        ),
        "draws": lambda: baseline_fit.learn(
            load_learning("panel.path=panel.csv", "sampler.draws=10"), history, "a" * 64, said.append
        ),
        "until": lambda: baseline_fit.learn(learning, history.sel(year=slice(2022)), "a" * 64, said.append),
        "figures": lambda: baseline_fit.learn(
            learning, history.assign(published=history.published + 1), "a" * 64, said.append
        ),  # the same file, read otherwise
    }
    for n, other in enumerate(others.values(), start=2):
        other()
        assert len(asked) == n


def test_a_cache_that_cannot_be_written_is_said_and_nothing_is_lost(monkeypatch, tiny_posterior, capsys, known):
    from oa_sim.inputs import areas

    monkeypatch.setenv("OA_SIM_CACHE", "/proc/oa_sim")
    made_up(monkeypatch, tiny_posterior)
    found = baseline_fit.learn(
        load_learning("panel.path=panel.csv"), areas.history(known, 2023), "a" * 64, lambda sentence: None
    )
    assert set(found.data_vars) == set(baseline_fit.KEPT)
    assert "was not kept" in capsys.readouterr().err


# the whole way


COLUMNS = {  # of the wide layout, with a made-up centre; shares and counts do not move
    "gld_fsm_pct": 50, "gld_nonfsm_pct": 70, "phonics_y1_pct": 80, "phonics_y1_fsm_pct": 68,
    "ks2_rwm_exp_disadv_pct": 46, "ks2_rwm_exp_nondisadv_pct": 68, "att8_disadv": 36, "att8_nondisadv": 50,
    "l3_19_pct": 58, "l3_19_fsm_pct": 38, "he19_pct": 45, "he19_fsm_pct": 29, "neet1617_pct": 5, "pa10_pct": 12,
    "susp_rate_pct": 5, "fsm_pri_pct": 20, "fsm_sec_pct": 20, "n_age19_cohort": 3000, "n_age19_fsm": 600,
}  # fmt: skip
STILL = ("fsm", "n_")


def panel_of_all_series(path, n_authorities=24):
    rng = np.random.default_rng(3)
    lines = [",".join(("la_code", "la_name", "academic_year", *COLUMNS))]
    for code in (*range(301, 301 + n_authorities), 970):
        is_england = code == 970
        level = 0.0 if is_england else 4 * rng.standard_normal()
        for year in range(2014, 2020):
            cells = [
                centre
                if name.startswith(STILL)
                else centre * (1 + (level + rng.standard_normal() * (not is_england)) / 100)
                for name, centre in COLUMNS.items()
            ]
            place = "England" if is_england else f"Place {code}"
            lines.append(
                ",".join([str(code), place, f"{year - 1}/{year % 100:02d}", *(f"{cell:.1f}" for cell in cells)])
            )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("law", [baseline_fit.LAW_VERSION, "baseline-3"])
def test_what_was_kept_of_a_panel_is_taken_if_the_law_is_the_same(tmp_path, monkeypatch, tiny_posterior, law):
    monkeypatch.setenv("OA_SIM_CACHE", str(tmp_path / "cache"))
    path = panel_of_all_series(tmp_path / "panel.csv")
    learning, found, said = load_learning(f"panel.path={path}"), published_files.read(path), []
    history = panel.history(found, tables.read("breaks"), learning.panel.train_until)
    with monkeypatch.context() as other:
        other.setattr(baseline_fit, "LAW_VERSION", law)
        key = baseline_fit._identity(learning, found.data_hash, int(history.year[-1]), history)
    posterior_files.write(tiny_posterior, tmp_path / "cache" / f"learned-{key}.nc")
    monkeypatch.setattr(sampling, "sample", None)
    if law != baseline_fit.LAW_VERSION:
        with pytest.raises(TypeError):  # it begins to sample
            baseline_fit.learn(learning, history, found.data_hash, said.append)
        return
    kept = baseline_fit.learn(learning, history, found.data_hash, said.append)
    assert said == ["using the posterior that was fitted to this panel before"]
    xr.testing.assert_allclose(kept.drop_attrs(), tiny_posterior.drop_attrs())


@pytest.mark.slow
@pytest.mark.usefixtures("compiled_once")
def test_a_fit_of_ones_own_panel_is_written_said_and_used_by_a_run(tmp_path, monkeypatch, capsys):
    from pathlib import Path

    from oa_sim.cli.main import main

    monkeypatch.setenv("OA_SIM_CACHE", str(tmp_path / "cache"))
    path, outputs = panel_of_all_series(tmp_path / "panel.csv"), f"outputs={tmp_path / 'outputs'}"
    words = ["fit", f"panel.path={path}", outputs, "sampler.chains=2", "sampler.tune=20", "sampler.draws=20"]
    folders = []
    for _ in range(2):  # the second time from the cache
        assert main(words) == 0
        lines = capsys.readouterr().out.splitlines()
        assert any(line.startswith("FAIL: ") for line in lines)  # so few iterations are never enough
        folders.append(Path(lines[-1]))
    assert folders[0] == folders[1]
    assert {path.name for path in folders[0].iterdir()} == {"learned.nc", "learned.json", "reading.txt"}
    facts = json.loads((folders[0] / "learned.json").read_text())
    assert (facts["made"]["authorities"], facts["made"]["until"], facts["gates"]["verdict"]) == (24, 2019, "FAIL")
    mine = baseline_fit.load(folders[0] / "learned.nc")
    assert (mine.sizes["chain"], mine.sizes["draw"]) == (2, 20)
    assert facts["checksum"] == posterior_files.checksum(mine)
    asked = ["run", "areas=Norwich", "horizon=5", outputs, f"posterior={folders[0] / 'learned.nc'}", "sampler.draws=20"]
    assert main(asked) == 0
    assert "FAIL" in capsys.readouterr().out
