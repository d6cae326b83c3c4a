"""Baseline fit: from a panel of authorities to a compact posterior, shipped in the package or kept by the user.

The hyperparameters are fitted once to all authorities that publish, and a run takes them as they are. The file says
what made it: command, panel, versions, gates.
"""

import hashlib
import json
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from oa_sim.definitions import series
from oa_sim.errors import Refusal
from oa_sim.inference import baseline_model, observations, posterior_files, sampling
from oa_sim.inference.posterior_files import cache_folder, write
from oa_sim.inputs import panel, published_files, tables
from oa_sim.scenario.assumptions import Learning

SHIPPED = tables.FOLDER / "learned.nc"
FORMAT = 3
KEPT = (
    *("mu", "london", "london_trend", "level_sd", "level_partials", "drift_sd", "area_break_sd"),
    *("deviation_sd", "deviation_alike", "persistence", "noise_sd", "cohort_link", "luck", "freedom", "national_sd"),
    *("national_trend", "national_damping", "groups_alike", "break_sd", "behaviour_break_sd"),
)
# The model, its priors and how a panel is read. Raise it when any of them changes: a slow test holds the log density
# and its gradient to those in data/law_fingerprints.json, so that another law cannot go by this name.
LAW_VERSION = "baseline-5"
# what 0.6.1, and what came before it with the same text, wrote in place of it: the SHA-256 of the law's files
TEXT_HASHES = {"0b86cc81a7c13659562c43f11968d02c1e361d2a5348bd9d7a576894db27b424": "baseline-3"}


def load(path: str | Path | None = None, draws: int | None = None) -> xr.Dataset:
    """Return a fitted posterior: a file that ``oa-sim fit`` wrote, by default the one inside the package.

    It has the variables of ``KEPT`` by (chain, draw, ...); ``attrs["gates"]`` and ``attrs["made"]`` hold JSON. With
    fewer draws of each chain than all, the gates are reckoned again. Refused where it cannot be read, is not what was
    written, or was fitted to other series.
    """
    posterior = read(Path(path) if path else SHIPPED)
    if posterior.attrs.get("format") != FORMAT or not set(KEPT) <= set(posterior.data_vars):
        raise Refusal(
            f"{path or SHIPPED.name}: a fitted posterior of format {FORMAT} is needed, got format "
            f"{posterior.attrs.get('format')}: fit it again with oa-sim fit"
        )
    if posterior.series.values.tolist() != baseline_model.labels(series()):
        raise Refusal(f"{path or SHIPPED.name}: it was fitted to other series: fit it again with oa-sim fit")
    held = posterior.sizes["draw"]
    if draws is not None and draws > held:
        raise Refusal(
            f"sampler.draws must be at most {held}, the draws a chain of the fitted posterior, got {draws}: lower it, "
            "or fit more with oa-sim fit"
        )
    if draws is not None and draws < held:
        diverging = json.loads(posterior.attrs["gates"])["divergences"]
        posterior = posterior.isel(draw=slice(draws))
        posterior.attrs["gates"] = json.dumps(sampling.gates(posterior, diverging))
    return posterior


@dataclass(frozen=True, eq=False)
class Learned:
    """What was fitted to a panel."""

    posterior: xr.Dataset  # the variables of ``KEPT`` by (chain, draw, ...)
    read: list[str]  # what was read and what was left, in plain lines
    facts: dict[str, Any]  # gates, and what made it


def fit(learning: Learning, say: Callable[[str], None], *, progress: bool = False) -> Learned:
    """Return the posterior fitted to the panel that is named.

    Parameters
    ----------
    learning
        The panel, and how it is sampled.
    say
        Called with a sentence at each stage.
    progress
        Whether to show the sampler's progress.

    Raises
    ------
    Refusal
        Where the panel will not do, or later figures are named, which only a backtest uses.
    """
    if learning.panel.actuals:
        raise Refusal("panel.actuals goes with backtest, not with fit: leave it out")
    say("reading the panel")
    path = str(learning.panel.path)  # there is one, as its check says
    published = published_files.read(path)
    history = panel.history(published, tables.read("breaks", learning.data_folder), learning.panel.train_until)
    lacking = panel.check(history)
    if lacking:
        near = [line for line in published.sentences() if "nearest is" in line]
        hint = f" ({near[0]})" if near else ""
        raise Refusal(
            f"{lacking[0].split(':')[0]} in {path}{hint}, and a run needs every series: add the "
            "figures, or correct the name of the column"
        )
    posterior = learn(learning, history, published.data_hash, say, progress=progress)
    facts = {name: json.loads(posterior.attrs[name]) for name in ("gates", "made")}
    return Learned(posterior, published.sentences(), facts)


def learn(
    learning: Learning, history: xr.Dataset, panel_hash: str, say: Callable[[str], None], *, progress: bool = False
) -> xr.Dataset:
    """Return the posterior fitted to a history of authorities, from the cache where it was fitted before.

    The history is from ``panel.history``, ``panel_hash`` is the SHA-256 of the files behind it, and ``say`` is called
    with a sentence at each stage.
    """
    until = int(history.year[-1])
    path = cache_folder() / f"learned-{_identity(learning, panel_hash, until, history)}.nc"
    if path.exists():
        say("using the posterior that was fitted to this panel before")
        return read(path)
    sampler = learning.sampler
    record = observations.record(history)
    iterations = sampler.tune + sampler.draws * sampler.thin
    say(f"fitting to {len(record.areas)} authorities: {sampler.chains} chains of {iterations:,} iterations")
    drawn = sampling.sample(baseline_model.model(record), sampler, learning.seed, progress=progress)
    posterior = drawn[list(KEPT)].astype(np.float32).astype(float)
    made = {
        "command": f"oa-sim fit panel.path={Path(str(learning.panel.path)).name} panel.train_until={until}",
        "panel_hash": panel_hash,
        "until": until,
        "authorities": len(record.areas),
        "figures": int(record.observed.sum()),
        "seed": learning.seed,
        "sampler": vars(sampler),
        "law": LAW_VERSION,
        "versions": sampling.versions(),
    }
    posterior.attrs = {"gates": drawn.attrs["gates"], "made": json.dumps(made), "format": FORMAT}
    try:
        write(posterior, path)
    except OSError as error:
        print(f"the posterior was not kept, so the next command fits it again ({error})", file=sys.stderr)
    return posterior


def _identity(learning: Learning, panel_hash: str, until: int, history: xr.Dataset) -> str:
    """Return the name of what is fitted: all that it depends on, hashed."""
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
        "law": LAW_VERSION,
        "libraries": {name: version(name) for name in ("pymc", "pytensor", "nutpie", "numpy", "scipy")},
        "python": platform.python_version(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:20]


def law_version(made: dict[str, str]) -> str:
    """Return the version of the law of a posterior by its ``attrs["made"]``, which an older oa_sim may have written."""
    law = made.get("law", "")
    return TEXT_HASHES.get(law, law)


def read(path: Path) -> xr.Dataset:
    """Return a posterior that was written, in double precision; refused where it is not there or is damaged."""
    if not path.is_file():
        raise Refusal(f"{path}: there is no such fitted posterior: name a file that oa-sim fit wrote")
    return posterior_files.read(path, "the fitted posterior", "delete it and fit it again")
