"""What the studies say together: the shipped posterior against an exact reckoning, and the files that hold it."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from fingerprint import fingerprint
from scipy.stats import beta, norm

from oa_sim import Refusal, load_scenario
from oa_sim.evidence import meta_analysis
from oa_sim.evidence import studies as study_evidence
from oa_sim.inference import posterior_files, sampling
from oa_sim.scenario.assumptions import Sampler
from oa_sim.scenario.overrides import groups

EFFECTS = np.linspace(-0.35, 0.55, 601)
QUICK = Sampler("pymc", chains=2, tune=60, draws=20, thin=1, target_accept=0.9)


@pytest.fixture
def no_sampling(monkeypatch, tmp_path):
    """Count what would be sampled, make it up, and keep it in a cache of its own."""
    asked = []

    def sample(model, sampler, seed, **_):
        asked.append(model)
        rng = np.random.default_rng(len(model.coords["study_type"]))
        types = list(model.coords["study_type"])
        size = (2, 20)
        found = xr.Dataset(
            {
                "family_mean": (("chain", "draw"), rng.normal(0.05, 0.01, size)),
                "family_spread": (("chain", "draw"), abs(rng.normal(0, 0.03, size))),
                "theta": (("chain", "draw", "study_type"), rng.normal(0.05, 0.02, (*size, len(types)))),
            },
            {"study_type": types},
        )
        return found.assign_attrs(gates=json.dumps({"divergences": 0}))

    monkeypatch.setenv("OA_SIM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sampling, "sample", sample)
    monkeypatch.setattr(meta_analysis, "_UNKEPT", {})
    return asked


def another_reading(**changes):
    return dataclasses.replace(load_scenario().evidence, **({"doubt_factor": 5.0} | changes))


# an exact reckoning: shares and effects summed over a grid, and the family over another


def exact(studies, study_types, reading):
    """Return mean and SD of mu, tau and each type's effect, and the mean share kept from each study."""
    share = (np.arange(1000) + 0.5) / 1000
    likelihood = {name: np.ones_like(EFFECTS) for name in study_types}
    share_given = {}
    for study in studies:
        joint = norm.pdf(study.effect, EFFECTS[:, None] / share, study.error) * beta.pdf(share, study.a, study.b)
        likelihood[study.study_type] = likelihood[study.study_type] * joint.sum(axis=1)
        share_given[study.name] = joint @ share / joint.sum(axis=1)
    mu = np.linspace(-0.03, 0.13, 41)[:, None]
    tau = np.linspace(0.0015, 0.24, 80)
    log = norm.logpdf(mu, reading.family_mean.a, reading.family_mean.b) - 0.5 * (tau / reading.family_spread.a) ** 2
    given = {}
    for name in study_types:
        density = norm.pdf(EFFECTS, mu[..., None], tau[:, None]) * likelihood[name]
        given[name] = density / density.sum(axis=-1, keepdims=True)
        log = log + np.log(density.sum(axis=-1))
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    theta = {name: (weight[..., None] * part).sum(axis=(0, 1)) for name, part in given.items()}
    found = {name: moments_of(EFFECTS, density) for name, density in theta.items()}
    found |= {"mu": moments_of(mu[:, 0], weight.sum(1)), "tau": moments_of(tau, weight.sum(0))}
    return found, {study.name: theta[study.study_type] @ share_given[study.name] for study in studies}


def moments_of(values, weight):
    mean = weight @ values
    return mean, np.sqrt(weight @ (values - mean) ** 2)


@pytest.fixture(scope="module", params=["standard", "sceptical"])
def both(request, known):
    reading = load_scenario(f"evidence={request.param}").evidence
    studies, types = study_evidence.studies(known, reading), study_evidence.study_types(known)
    return meta_analysis.posterior(known, reading), exact(studies, types, reading), studies


def within_monte_carlo_error(values, mean, sd):
    """Return whether a mean and an SD are what 2,000 draws, worth 1,000, may show."""
    return abs(values.mean() - mean) < 4 * sd / np.sqrt(1000) and abs(values.std() / sd - 1) < 0.12


def test_the_sampled_effects_are_those_of_an_exact_reckoning(both):
    found, (expected, _), _ = both
    for name in found.study_type.values.tolist():
        assert within_monte_carlo_error(found.theta.sel(study_type=name).values, *expected[name]), name


def test_the_sampled_family_is_that_of_an_exact_reckoning(both):
    found, (expected, _), _ = both
    assert within_monte_carlo_error(found.mu.values, *expected["mu"])
    assert within_monte_carlo_error(found.tau.values, *expected["tau"])


def test_the_shares_kept_are_those_of_an_exact_reckoning(both):
    found, (_, expected), studies = both
    for study in studies:
        shares = found.kept.sel(study=study.name)
        assert float(shares.mean()) == pytest.approx(expected[study.name], abs=5 * float(shares.std()) / 1000**0.5)


def test_the_shares_kept_stay_near_what_their_designs_keep(known):
    found = meta_analysis.posterior(known, load_scenario().evidence)
    design = {row["study"]: row["design"] for row in known["studies"]}
    for name in found.study.values.tolist():
        share = 8 / 11 if design[name] == "effectiveness" else 5 / 13
        assert float(found.kept.sel(study=name).mean()) == pytest.approx(share, abs=0.08)


def test_every_type_is_shrunk_towards_the_family(known):
    reading = load_scenario().evidence
    found, mean = meta_analysis.posterior(known, reading), {}
    for study in study_evidence.studies(known, reading):
        at_scale, sd = study.at_scale()
        mean.setdefault(study.study_type, []).append((at_scale, sd**-2))
    family = float(found.mu.mean())
    for name, parts in mean.items():
        alone = sum(m * w for m, w in parts) / sum(w for _, w in parts)
        pooled = float(found.theta.sel(study_type=name).mean())
        assert min(alone, family) - 0.004 < pooled < max(alone, family) + 0.004, name


def test_a_sceptic_expects_less_of_every_intervention(known):
    standard, sceptical = (
        meta_analysis.effects(load_scenario(f"evidence={name}"), known, 4, 500).mean(["chain", "draw"])
        for name in ("standard", "sceptical")
    )
    assert bool((sceptical < standard).all())


# the model


def test_the_model_has_only_unbounded_variables_and_the_density_of_its_equations(known):
    """Compare the log-density with the equations written out, up to what does not depend on the variables."""
    reading = load_scenario().evidence
    studies, types = study_evidence.studies(known, reading), study_evidence.study_types(known)
    model = meta_analysis.model(studies, types, reading)
    assert all(transform is None for transform in model.rvs_to_transforms.values())
    density = model.compile_logp()
    rng, found, expected = np.random.default_rng(1), [], []
    for _ in range(5):
        mu_z, free, theta_z = rng.normal(), rng.normal(), rng.normal(size=len(types))
        found.append(float(density({"family_mean_z": mu_z, "family_spread_free": free, "theta_z": theta_z})))
        relative = np.log1p(np.exp(free))
        tau, mu = reading.family_spread.a * relative, reading.family_mean.a + reading.family_mean.b * mu_z
        theta = mu + tau * theta_z
        log = norm.logpdf(mu_z) + norm.logpdf(theta_z).sum() - relative**2 / 2 + np.log(1 / (1 + np.exp(-free)))
        log += sum(study.log_likelihood(theta[[types.index(study.study_type)]])[0] for study in studies)
        expected.append(log)
    np.testing.assert_allclose(np.diff(found), np.diff(expected), rtol=1e-8)


# draws for a run


def test_interventions_of_one_type_share_one_effect(known):
    found = meta_analysis.effects(load_scenario(), known, 2, 20)
    one, other = (found.sel(intervention=name).values for name in ("primary_tutoring", "secondary_tutoring"))
    assert (one == other).all()
    assert (one != found.sel(intervention="breakfast_clubs").values).all()


def test_an_intervention_more_leaves_the_others_as_they_were(known):
    every, few = (
        meta_analysis.effects(load_scenario(*words), known, 2, 20)
        for words in ((), ("intervention=[maths_mastery]", "portfolio=none"))
    )
    assert (every.sel(intervention="maths_mastery").values == few.sel(intervention="maths_mastery").values).all()


def test_an_intervention_without_studies_is_drawn_from_the_family(known):
    names = ("early_language", "maths_mastery")
    scenario = load_scenario(*(f"interventions.{name}.study_type=family" for name in names))
    found = meta_analysis.effects(scenario, known, 4, 500)
    one, other = (found.sel(intervention=name).values for name in names)
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.25  # they share mu and tau, and nothing else
    drawn = meta_analysis.draws(scenario, known, 4, 500)
    spread = np.sqrt(float(drawn.mu.var() + (drawn.tau**2).mean()))
    for values in (one, other):
        assert values.mean() == pytest.approx(float(drawn.mu.mean()), abs=4 * spread / 2000**0.5)
        assert values.std() == pytest.approx(spread, rel=0.15)


def test_every_draw_comes_once_before_any_comes_twice(known):
    held = set(meta_analysis.posterior(known, load_scenario().evidence).mu.values.ravel())
    whole = meta_analysis.draws(load_scenario(), known, 4, 500).mu.values
    assert set(whole.ravel()) == held
    twice = meta_analysis.draws(load_scenario(), known, 8, 500).mu.values
    assert np.array_equal(np.sort(twice.ravel()), np.sort(np.tile(whole.ravel(), 2)))
    few = meta_analysis.draws(load_scenario(), known, 2, 20)
    assert few.theta.dims == ("chain", "draw", "study_type")
    assert (few.mu.values.ravel() == whole.ravel()[:40]).all()


def test_a_seed_says_which_draw_meets_which(known):
    one, same, other = (meta_analysis.draws(load_scenario(seed=n), known, 2, 20).mu.values for n in (5, 5, 6))
    assert (one == same).all()
    assert not np.array_equal(one, other)


# what ships, and what is kept


def test_what_ships_is_of_these_studies_this_law_and_the_shipped_readings_and_passes(known):
    wanted = {}
    for name in groups()["evidence"]:
        reading = load_scenario(f"evidence={name}").evidence
        studies = study_evidence.studies(known, reading)
        wanted[meta_analysis.file_name(studies, study_evidence.study_types(known), reading)] = reading
    assert {path.name for path in meta_analysis.SHIPPED.glob("synthesis-*.nc")} == set(wanted)
    for reading in wanted.values():
        found = meta_analysis.posterior(known, reading)
        gates, made = (json.loads(found.attrs[name]) for name in ("gates", "made"))
        assert gates["verdict"] == "PASS"
        assert meta_analysis.TEXT_HASHES.get(made["law"], made["law"]) == meta_analysis.LAW_VERSION
        assert made["command"] == "oa-sim evidence"


def test_the_version_of_the_law_is_told_by_how_its_density_behaves(known):
    reading = load_scenario().evidence
    model = meta_analysis.model(study_evidence.studies(known, reading), study_evidence.study_types(known), reading)
    told = json.loads((meta_analysis.SHIPPED / "law_fingerprints.json").read_text(encoding="utf-8"))
    np.testing.assert_allclose(fingerprint(model), told[meta_analysis.LAW_VERSION], rtol=1e-8, atol=1e-8)


def test_what_an_older_version_kept_of_these_studies_is_read(no_sampling, known, tmp_path):
    first = meta_analysis.posterior(known, another_reading())
    reading, cache = another_reading(), tmp_path / "cache"
    new, old = meta_analysis.file_names(
        study_evidence.studies(known, reading), study_evidence.study_types(known), reading
    )
    (cache / new).rename(cache / old)
    xr.testing.assert_identical(meta_analysis.posterior(known, another_reading()), first)
    assert len(no_sampling) == 1


def test_a_reading_of_ones_own_is_sampled_once_said_and_kept(no_sampling, known, tmp_path):
    said = []
    first = meta_analysis.posterior(known, another_reading(), said.append)
    second = meta_analysis.posterior(known, another_reading(), said.append)
    assert (len(no_sampling), len(said)) == (1, 1)
    assert "sampling 17 studies" in said[0]
    xr.testing.assert_identical(first, second)
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_a_damaged_cache_is_sampled_again_and_said(no_sampling, known, tmp_path):
    first, said = meta_analysis.posterior(known, another_reading()), []
    (path,) = (tmp_path / "cache").iterdir()
    for damage in (b"", b"nothing of the kind", path.read_bytes()[:2000]):
        path.write_bytes(damage)
        xr.testing.assert_identical(meta_analysis.posterior(known, another_reading(), said.append), first)
    assert len(no_sampling) == 4
    assert sum("damaged" in line for line in said) == 3


def test_a_damaged_file_of_the_package_is_refused(known, tmp_path, monkeypatch):
    reading = load_scenario().evidence
    name = meta_analysis.file_name(study_evidence.studies(known, reading), study_evidence.study_types(known), reading)
    (tmp_path / name).write_bytes((meta_analysis.SHIPPED / name).read_bytes()[:5000])
    monkeypatch.setattr(meta_analysis, "SHIPPED", tmp_path)
    with pytest.raises(Refusal, match=r"the synthesis inside the package .* cannot be read"):
        meta_analysis.posterior(known, reading)


def test_a_cache_that_cannot_be_written_is_said_and_nothing_is_sampled_twice(no_sampling, known, monkeypatch, capsys):
    monkeypatch.setenv("OA_SIM_CACHE", "/proc/oa_sim")
    one, other = (meta_analysis.posterior(known, another_reading()) for _ in range(2))
    xr.testing.assert_identical(one, other)
    assert len(no_sampling) == 1
    assert "was not kept" in capsys.readouterr().err


@pytest.mark.parametrize(
    "change",
    [
        {"doubt_factor": 6.0}, {"without": ["Phonics strand"]},
        {"family_mean": dataclasses.replace(load_scenario().evidence.family_mean, a=0.06)},
        {"kept_from_efficacy": dataclasses.replace(load_scenario().evidence.kept_from_efficacy, b=9)},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_another_reading_has_another_file(known, change):
    names = [
        meta_analysis.file_name(study_evidence.studies(known, reading), study_evidence.study_types(known), reading)
        for reading in (another_reading(), another_reading(**change))
    ]
    assert names[0] != names[1]


def test_what_is_no_part_of_the_reading_of_studies_has_the_same_file(known):
    view = dataclasses.replace(load_scenario().evidence.outside_view, is_on=True)
    names = {
        meta_analysis.file_name(study_evidence.studies(known, reading), study_evidence.study_types(known), reading)
        for reading in (another_reading(), another_reading(outside_view=view))
    }
    assert len(names) == 1


def test_the_type_of_a_study_that_is_left_out_stays_in_the_model(no_sampling, known):
    meta_analysis.posterior(known, another_reading(without=["Phonics strand"]))
    (model,) = no_sampling
    assert "reading" in model.coords["study_type"]


@pytest.mark.slow
@pytest.mark.usefixtures("compiled_once")
def test_sampling_again_gives_what_ships_and_two_processes_agree(known, tmp_path, monkeypatch):
    reading = load_scenario().evidence
    studies, types = study_evidence.studies(known, reading), study_evidence.study_types(known)
    shipped = meta_analysis.posterior(known, reading)
    monkeypatch.setattr(meta_analysis, "SHIPPED", tmp_path)
    found = []
    for n in range(2):
        monkeypatch.setenv("OA_SIM_CACHE", str(tmp_path / str(n)))
        meta_analysis.posterior(known, reading)
        path = Path(tmp_path / str(n) / meta_analysis.file_name(studies, types, reading))
        found.append(posterior_files.read(path, "it", "look"))
    xr.testing.assert_identical(found[0].drop_attrs(), found[1].drop_attrs())
    np.testing.assert_allclose(
        found[0].theta.mean(("chain", "draw")), shipped.theta.mean(("chain", "draw")), atol=0.004
    )


@pytest.mark.slow
@pytest.mark.usefixtures("compiled_once")
def test_a_study_alone_for_its_type_takes_the_type_to_the_family_when_it_is_left_out(known, tmp_path, monkeypatch):
    monkeypatch.setenv("OA_SIM_CACHE", str(tmp_path))
    found = meta_analysis.posterior(
        known, dataclasses.replace(load_scenario().evidence, without=["Magic Breakfast trial"])
    )
    assert json.loads(found.attrs["gates"])["verdict"] == "PASS"
    theta = found.theta.sel(study_type="breakfast").values
    spread = np.sqrt(float(found.mu.var() + (found.tau**2).mean()))
    assert theta.mean() == pytest.approx(float(found.mu.mean()), abs=4 * spread / 1000**0.5)
    assert theta.std() == pytest.approx(spread, rel=0.12)
