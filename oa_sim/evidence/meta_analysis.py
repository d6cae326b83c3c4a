"""Meta analysis: from the studies to what each type of intervention does at scale, per fully served pupil.

A random-effects synthesis, shrunk to the family of large trials. For study j of type T, published effect y_j:

    y_j ~ Normal(theta_T / k_j, s_j)      theta_T ~ Normal(mu, tau)      k_j ~ its design's prior

``theta_T`` is the effect at scale and ``k_j`` the share of a published effect that is kept on the way there, so the
published effect is the larger of the two and the loss is taken once. Each study has a share of its own, and it learns
from the data: of two studies that disagree, the one that promises more has likely lost more. A share cut off from the
data would be no part of a joint posterior, and then a study could not be left out by weighing the draws anew.
Given ``theta_T`` the shares are independent of each other, so they are summed out, where the sampler would have to
follow ``theta / k`` around a bend, and are drawn afterwards.

It depends on the studies and their reading alone, never on the interventions, the areas or the seed of a scenario.
"""

import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import xarray as xr

from oa_sim.errors import Refusal
from oa_sim.evidence import studies as study_evidence
from oa_sim.evidence.studies import FAMILY, Study
from oa_sim.inference import posterior_files, sampling
from oa_sim.inputs.tables import FOLDER, Row
from oa_sim.rng import stream
from oa_sim.scenario.assumptions import Evidence, Sampler
from oa_sim.scenario.schema import Scenario

SHIPPED = FOLDER
SEED = 2017  # of the sampler; a scenario's own seed says which draw meets which of the baseline
SAMPLER = Sampler("pymc", chains=4, tune=500, draws=500, thin=4, target_accept=0.95)
CELLS = 500  # equally likely parts of a share's prior, from which it is drawn
# The model, its priors and how studies are read. Raise it when any of them changes: a slow test holds the log density
# and its gradient to those in data/law_fingerprints.json, so that another law cannot go by this name.
LAW_VERSION = "meta-analysis-2"
# what 0.6.1, and what came before it with the same text, wrote in place of it: the SHA-256 of the law's files
TEXT_HASHES = {"c3fc0a298331324bf9ee8ce6e5c795da91d682196e8f6bd8c9eb66f29afedfc3": LAW_VERSION}
KEPT = {"family_mean": "mu", "family_spread": "tau", "theta": "theta", "kept": "kept"}  # name in the model: handed on
_UNKEPT: dict[str, xr.Dataset] = {}  # what could not be written to the cache: sampled once in a process all the same


def model(studies: list[Study], study_types: list[str], reading: Evidence) -> Any:
    """Return the PyMC model of the studies, the share kept from each summed out.

    Types without a study are in it too: they are what the family is. All is sampled unbounded. ``tau``, half-normal, is
    ``softplus`` of its variable: near zero it is a logarithm, so that the family may be narrow, and above it is tau
    itself; its Jacobian stands in the potential.
    """
    pm: Any = sampling.load_pymc()
    import pytensor.tensor as pt

    logsumexp: Any = pt.logsumexp

    effect, error = (np.array([getattr(study, name) for study in studies])[:, None] for name in ("effect", "error"))
    shares, weights = (np.array(part) for part in zip(*(study.shares() for study in studies), strict=True))
    own = np.array([study_types.index(study.study_type) for study in studies])
    prior, spread = reading.family_mean, reading.family_spread.a
    with pm.Model(coords={"study_type": study_types}) as described:
        mu = pm.Deterministic("family_mean", prior.a + prior.b * pm.Normal("family_mean_z"))
        free = pm.Flat("family_spread_free")
        pm.Potential("half_normal", -0.5 * pt.softplus(free) ** 2 - pt.softplus(-free))
        tau = pm.Deterministic("family_spread", spread * pt.softplus(free))
        standing = pm.Normal("theta_z", dims="study_type")
        theta = pm.Deterministic("theta", mu + tau * standing, dims="study_type")
        away = (effect - theta[own][:, None] / shares) / error
        pm.Potential("studies", logsumexp(-0.5 * away**2 + np.log(weights), axis=1).sum())
    return described


def posterior(tables: dict[str, list[Row]], reading: Evidence, say: Callable[[str], None] | None = None) -> xr.Dataset:
    """Return what the studies say, as they are read; ``say`` is called with a sentence where something is sampled.

    What ships inside the package is taken where it is of these studies and this reading; otherwise it is sampled, which
    takes some seconds, and kept in the user's cache.

    By (chain, draw): ``mu`` and ``tau`` (SD), the mean and spread of the family; ``theta`` (study_type), the effect at
    scale (SD per fully served pupil and year); ``kept`` (study), the share kept at scale. ``attrs["gates"]`` and
    ``attrs["made"]`` hold JSON. Refused where studies cannot be read, or the file inside the package is damaged.
    """
    say = say or (lambda sentence: None)
    studies, study_types = study_evidence.studies(tables, reading), study_evidence.study_types(tables)
    name, *former = file_names(studies, study_types, reading)
    if (SHIPPED / name).is_file():
        return posterior_files.read(SHIPPED / name, "the synthesis inside the package", "install oa_sim again")
    own = posterior_files.cache_folder() / name
    path = next((file for file in (own, *map(own.with_name, former)) if file.is_file()), own)
    if path.is_file():
        try:
            return posterior_files.read(path, "the synthesis in the cache", "delete it")
        except Refusal:
            say("the synthesis in the cache is damaged, so the studies are sampled again")
    if name not in _UNKEPT:
        fit = _sampled(studies, study_types, reading, say)
        try:
            posterior_files.write(fit, own)
        except OSError as error:
            print(f"the synthesis was not kept, so the next command samples it again ({error})", file=sys.stderr)
            _UNKEPT[name] = fit
        return fit
    return _UNKEPT[name]


def file_name(studies: list[Study], study_types: list[str], reading: Evidence) -> str:
    """Return the name of the file of a synthesis, from all that it depends on."""
    return file_names(studies, study_types, reading)[0]


def file_names(studies: list[Study], study_types: list[str], reading: Evidence) -> list[str]:
    """Return the name of the file of a synthesis, and those that older versions gave to the same."""
    parts = {
        "studies": studies,
        "study_types": study_types,
        "family": [asdict(reading.family_mean), asdict(reading.family_spread)],
        "sampler": asdict(SAMPLER),
        "seed": SEED,
    }
    texts = [json.dumps(parts | {"law": law}, sort_keys=True) for law in (LAW_VERSION, *TEXT_HASHES)]
    return [f"synthesis-{hashlib.sha256(text.encode()).hexdigest()[:12]}.nc" for text in texts]


def _sampled(studies: list[Study], study_types: list[str], reading: Evidence, say: Callable[[str], None]) -> xr.Dataset:
    """Return the posterior of the studies, sampled, in the precision in which it is kept."""
    iterations = SAMPLER.tune + SAMPLER.draws * SAMPLER.thin
    say(f"sampling {len(studies)} studies: {SAMPLER.chains} chains of {iterations:,} iterations, once for all")
    fit = sampling.sample(model(studies, study_types, reading), SAMPLER, SEED)
    diverging = json.loads(fit.attrs["gates"])["divergences"]
    fit["kept"] = shares_given(fit.theta, studies)
    gates = json.dumps(sampling.gates(fit, diverging))
    small = fit[list(KEPT)].rename(KEPT).astype(np.float32).astype(float)
    made = {
        "command": "oa-sim evidence",
        "studies": len(studies),
        "left_out": list(reading.without),
        "family": [asdict(reading.family_mean), asdict(reading.family_spread)],
        "sampler": asdict(SAMPLER),
        "seed": SEED,
        "law": LAW_VERSION,
        "versions": sampling.versions(),
    }
    small.attrs = {"gates": gates, "made": json.dumps(made)}
    return small


def shares_given(theta: xr.DataArray, studies: list[Study]) -> xr.DataArray:
    """Return the share kept from each study (chain, draw, study), drawn given the effect at scale.

    ``theta`` is (chain, draw, study_type), SD; each study has a stream of its own.
    """
    columns, cells = [], (np.arange(CELLS) + 0.5) / CELLS
    for study in studies:
        rng = stream(SEED, "share kept", study.name)
        at_scale = theta.sel(study_type=study.study_type).values
        likely = -0.5 * ((study.effect - at_scale[..., None] / study.share_at(cells)) / study.error) ** 2
        below = np.cumsum(np.exp(likely - likely.max(axis=-1, keepdims=True)), axis=-1)
        wanted = rng.random(at_scale.shape)[..., None] * below[..., -1:]
        cell = np.minimum((below < wanted).sum(axis=-1), CELLS - 1)
        columns.append(study.share_at((cell + rng.random(at_scale.shape)) / CELLS))
    names = [study.name for study in studies]
    return xr.DataArray(np.stack(columns, axis=-1), {"study": names}, ("chain", "draw", "study"))


def draws(scenario: Scenario, tables: dict[str, list[Row]], chains: int, draws: int) -> xr.Dataset:
    """Return what the studies say, in as many draws as the posterior of the baseline, of which they are independent.

    As of ``posterior``, and ``taken`` (chain, draw), which of the draws that are held each is, counted over all chains.
    Every one comes once, in an order that belongs to the seed, before any comes twice.
    """
    held = posterior(tables, scenario.evidence)
    flat = held.stack(at=("chain", "draw"), create_index=False).transpose("at", ...)
    rng, wanted, n = stream(scenario.seed, "draws of the synthesis"), chains * draws, flat.sizes["at"]
    taken = np.concatenate([rng.permutation(n) for _ in range(-(-wanted // n))])[:wanted]
    data: dict[str, Any] = {"taken": (("chain", "draw"), taken.reshape(chains, draws))}
    for name in KEPT.values():
        values = flat[name].values[taken]
        data[name] = (("chain", "draw", *flat[name].dims[1:]), values.reshape(chains, draws, *values.shape[1:]))
    return xr.Dataset(data, {"study_type": held.study_type.values, "study": held.study.values}, held.attrs)


def effects(scenario: Scenario, tables: dict[str, list[Row]], chains: int, draws_: int) -> xr.DataArray:
    """Return draws of the effect of each intervention, in as many draws as the posterior of the baseline.

    (chain, draw, intervention), SD per fully served pupil and year. Interventions of one study type share one effect;
    one of type ``family`` draws its own from the family of trials.
    """
    synthesis = draws(scenario, tables, chains, draws_)
    out = np.empty((chains, draws_, len(scenario.interventions)))
    for i, (name, intervention) in enumerate(scenario.interventions.items()):
        if intervention.study_type == FAMILY:
            own = stream(scenario.seed, "effect", name).standard_normal((chains, draws_))
            out[..., i] = synthesis.mu.values + synthesis.tau.values * own
        else:
            out[..., i] = synthesis.theta.sel(study_type=intervention.study_type).values
    attrs = {"units": "SD / year", "long_name": "effect per fully served pupil"}
    coords = {"intervention": list(scenario.interventions)}
    return xr.DataArray(out, coords, ("chain", "draw", "intervention"), "effect", attrs)
