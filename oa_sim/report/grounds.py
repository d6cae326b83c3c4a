"""Grounds: figures about the answer itself: where its uncertainty comes from, what draws and sources are behind it."""

import numpy as np

from oa_sim.projection import variance_decomposition
from oa_sim.report import reported_figure
from oa_sim.report.reported_figure import About, Origin, Published
from oa_sim.simulation import narrative
from oa_sim.simulation.result import Result


def whence(result: Result, made: Origin) -> dict[str, Published]:
    """Return the two largest parts of the uncertainty of impact and of level.

    Parameters
    ----------
    result
        From ``run`` or ``Result.load``.
    made
        What its figures can be traced to.
    """
    if not len(result.uncertainty):
        return {}
    year, found = narrative.headline_year(result), {}
    about = result.uncertainty.sel(place=variance_decomposition.MEAN, reading_year=year)
    for quantity, whose in (("impact", "the impact"), ("projection", "the level")):
        part = about.sel(quantity=quantity)
        known = [(float(s), float(e), b) for s, e, b in zip(part.share.values, part.error.values,
                 part.block.values.tolist(), strict=True) if np.isfinite(s)]  # fmt: skip
        for rank, (share, error, block) in enumerate(sorted(known, reverse=True)[:2]):
            label = f"share of the variance of {whose} from {variance_decomposition.LABELS[block]}"
            said = About(f"variance_of_{quantity}", label, "share", area=block, year=year)
            band = tuple(float(np.clip(share + sign * 1.645 * error, 0, 1)) for sign in (0, -1, 1))
            found[f"{quantity} from {rank}"] = reported_figure.of_shares(said, band, error, made)
    return found


def behind(result: Result, made: Origin) -> dict[str, Published]:
    """Return what the brief says of the draws and the sources themselves, in the digits of the sentences that say it.

    Parameters
    ----------
    result, made
        As in ``whence``.
    """
    gates = result.manifest["gates"]
    told = {
        "r_hat_max": ("largest R-hat of baseline and evidence", "1", f"{gates['r_hat_max']:.3f}"),
        "ess_bulk_min": ("smallest effective sample size, bulk", "draws", f"{gates['ess_bulk_min']:.0f}"),
        "ess_tail_min": ("smallest effective sample size, tails", "draws", f"{gates['ess_tail_min']:.0f}"),
        "divergences": ("divergent transitions", "transitions", f"{gates['divergences']:.0f}"),
    }
    found = {
        name: reported_figure.as_said(About(name, label, its_unit), float(gates[name]), text, made)
        for name, (label, its_unit, text) in told.items()
    }
    counts = {"n_draws": ("draws behind every figure", "draws", result.n_draws)}
    counts["n_areas"] = ("areas", "areas", result.draws.sizes["area"])
    for table, names in result.manifest.get("to_verify", {}).items():
        counts[f"to_verify_{table}"] = (f"figures of the table {table} still to verify", "figures", len(names))
    for name, (label, its_unit, count) in counts.items():
        found[name] = reported_figure.of_count(About(name, label, its_unit), count, made)
    return found
