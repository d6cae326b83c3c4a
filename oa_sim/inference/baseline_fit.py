"""Baseline fit: from a panel of authorities to a compact posterior, shipped in the package or kept by the user.

Learn wide, project narrow: the hyperparameters are learned once from all authorities that publish, and a run takes
them as they are. The file says what made it: command, panel, versions, gates.
"""

import hashlib
import json
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import xarray as xr

from oa_sim.definitions import series
from oa_sim.errors import Refusal
from oa_sim.inference import baseline_model, observations, posterior_files, sampling
from oa_sim.inference.posterior_files import cache_folder, write
from oa_sim.inputs import panel, published_files, tables
from oa_sim.scenario.assumptions import Learning

SHIPPED = tables.FOLDER / "learned.nc"
FORMAT = 1
KEPT = (
    *("mu", "level_sd", "level_partials", "level_persistence", "deviation_sd", "deviation_alike", "persistence"),
    *("noise_sd", "cohort_link", "national_sd", "national_trend", "national_damping", "groups_alike", "break_sd"),
)
# The model, its priors and how a panel is read. Raise it when any of them changes: a slow test holds the log density
# and its gradient to those in data/law_fingerprints.json, so that another law cannot go by this name.
LAW_VERSION = "baseline-3"
# what 0.6.1, and what came before it with the same text, wrote in place of it: the SHA-256 of the law's files
TEXT_HASHES = {"0b86cc81a7c13659562c43f11968d02c1e361d2a5348bd9d7a576894db27b424": LAW_VERSION}


def load(path: str | Path | None = None, draws: int | None = None) -> xr.Dataset:
    """Return a learned posterior.

    Parameters
    ----------
    path
        A file that ``oa-sim fit`` wrote; the one inside the package by default.
    draws
        How many draws of each chain; all by default. With fewer the gates are reckoned again.

    Returns
    -------
    Dataset
        The variables of ``KEPT`` by (chain, draw, ...); ``attrs["gates"]`` and ``attrs["made"]`` hold JSON.

    Raises
    ------
    Refusal
        Where it cannot be read, is not what was written, or was learned for other series.
    """
    found = read(Path(path) if path else SHIPPED)
    if found.attrs.get("format") != FORMAT or not set(KEPT) <= set(found.data_vars):
        raise Refusal(
            f"{path or SHIPPED.name}: a learned posterior of format {FORMAT} is needed, got format "
            f"{found.attrs.get('format')}: learn it again with oa-sim fit"
        )
    if found.series.values.tolist() != baseline_model.labels(series()):
        raise Refusal(f"{path or SHIPPED.name}: it was learned for other series: learn it again with oa-sim fit")
    held = found.sizes["draw"]
    if draws is not None and draws > held:
        raise Refusal(
            f"sampler.draws must be at most {held}, the draws a chain of the learned posterior, got {draws}: lower it, "
            "or learn more with oa-sim fit"
        )
    if draws is not None and draws < held:
        diverging = json.loads(found.attrs["gates"])["divergences"]
        found = found.isel(draw=slice(draws))
        found.attrs["gates"] = json.dumps(sampling.gates(found, diverging))
    return found


@dataclass(frozen=True, eq=False)
class Learned:
    """What was learned from a panel.

    Attributes
    ----------
    posterior : Dataset
        The variables of ``KEPT`` by (chain, draw, ...).
    read : list of str
        What was read and what was left, in plain lines.
    facts : dict
        Gates, and what made it.
    """

    posterior: xr.Dataset
    read: list[str]
    facts: dict


def fit(learning: Learning, say: Callable[[str], None], *, progress: bool = False) -> Learned:
    """Return the posterior learned from the panel that is named.

    Raises
    ------
    Refusal
        Where the panel will not do, or later figures are named, which only a backtest uses.
    """
    if learning.panel.actuals:
        raise Refusal("panel.actuals goes with backtest, not with fit: leave it out")
    say("reading the panel")
    found = published_files.read(learning.panel.path)
    history = panel.history(found, tables.read("breaks", learning.data_folder), learning.panel.train_until)
    lacking = panel.check(history)
    if lacking:
        near = [line for line in found.sentences() if "nearest is" in line]
        hint = f" ({near[0]})" if near else ""
        raise Refusal(
            f"{lacking[0].split(':')[0]} in {learning.panel.path}{hint}, and a run needs every series: add the "
            "figures, or correct the name of the column"
        )
    posterior = learn(learning, history, found.data_hash, say, progress=progress)
    facts = {name: json.loads(posterior.attrs[name]) for name in ("gates", "made")}
    return Learned(posterior, found.sentences(), facts)


def learn(
    learning: Learning, history: xr.Dataset, panel_hash: str, say: Callable[[str], None], *, progress: bool = False
) -> xr.Dataset:
    """Return the posterior learned from a history of authorities, from the cache where it was learned before.

    Parameters
    ----------
    learning
        How it is sampled.
    history
        From ``panel.history``.
    panel_hash
        SHA-256 of the files behind it.
    say
        Called with a sentence at each stage.
    progress
        Whether to show the sampler's progress.
    """
    until = int(history.year[-1])
    keys = [_identity(learning, panel_hash, until, history, law) for law in (LAW_VERSION, *TEXT_HASHES)]
    paths = [cache_folder() / f"learned-{key}.nc" for key in keys]
    before = next((path for path in paths if path.exists()), None)
    if before is not None:
        say("using what was learned from this panel before")
        return read(before)
    sampler = learning.sampler
    known = observations.record(history)
    iterations = sampler.tune + sampler.draws * sampler.thin
    say(f"learning from {len(known.areas)} authorities: {sampler.chains} chains of {iterations:,} iterations")
    found = sampling.sample(baseline_model.model(known), sampler, learning.seed, progress=progress)
    compact = found[list(KEPT)].astype(np.float32).astype(float)
    made = {
        "command": f"oa-sim fit panel.path={Path(learning.panel.path).name} panel.train_until={until}",
        "panel_hash": panel_hash,
        "until": until,
        "authorities": len(known.areas),
        "figures": int(known.observed.sum()),
        "seed": learning.seed,
        "sampler": vars(sampler),
        "law": LAW_VERSION,
        "versions": sampling.versions(),
    }
    compact.attrs = {"gates": found.attrs["gates"], "made": json.dumps(made), "format": FORMAT}
    try:
        write(compact, paths[0])
    except OSError as error:
        print(f"what was learned was not kept, so the next command learns it again ({error})", file=sys.stderr)
    return compact


def _identity(learning: Learning, panel_hash: str, until: int, history: xr.Dataset, law: str) -> str:
    """Return the name of what is learned by a law: all that it depends on, hashed."""
    parts = {
        "panel": panel_hash,
        # the figures as they were read: names of columns and layouts may have changed since
        "figures": {
            name: hashlib.sha256(np.ascontiguousarray(history[name].values).tobytes()).hexdigest()
            for name in ("published", "england", "behind", "breaks")
        },
        "until": until,
        "sampler": vars(learning.sampler),
        "seed": learning.seed,
        "law": law,
        "libraries": {name: version(name) for name in ("pymc", "pytensor", "nutpie", "numpy", "scipy")},
        "python": platform.python_version(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:20]


def law_version(made: dict) -> str:
    """Return the version of the law by which a posterior was learned, also where an older oa_sim wrote it.

    Parameters
    ----------
    made
        ``attrs["made"]`` of a posterior, as a dict.
    """
    return posterior_files.law_version(made, TEXT_HASHES)


def read(path: Path) -> xr.Dataset:
    """Return a posterior that was written, in double precision.

    Raises
    ------
    Refusal
        Where it cannot be read or is not what was written.
    """
    if not path.is_file():
        raise Refusal(f"{path}: there is no such learned posterior: name a file that oa-sim fit wrote")
    return posterior_files.read(path, "the learned posterior", "delete it and learn it again")
