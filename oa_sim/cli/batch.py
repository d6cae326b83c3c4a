"""Batch: a scenario run and written, and each scenario of a grid in turn, as a person would run them one by one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import xarray as xr

from oa_sim.errors import Refusal
from oa_sim.inference import baseline_fit
from oa_sim.report import folder_writers
from oa_sim.scenario.schema import Scenario
from oa_sim.simulation import narrative
from oa_sim.simulation.scenario_run import run
from oa_sim.sweep import expand
from oa_sim.sweep.expand import Variants

FACTS = ("run_id", "account_gbp", "gates", "data_hash", "oa_sim")


def answer(
    scenario: Scenario, say: Callable[[str], None], posterior: xr.Dataset | None = None
) -> tuple[dict, list[str], Path]:
    """Return the facts of a run, the sentences of its answer, and the folder that was written.

    Parameters
    ----------
    scenario
        What is run.
    say
        Called with a sentence at each stage.
    posterior
        What was learned, where it is loaded already.

    Raises
    ------
    Refusal
        Where it cannot be run or written; then nothing is left behind.
    """
    folder_writers.check_writable(scenario.outputs)
    result = run(scenario, posterior=posterior, say=say)
    say("writing the results")
    folder = folder_writers.write(result, scenario.outputs)
    facts = {"scenario": result.label, "verdict": result.manifest["gates"]["verdict"]}
    facts |= {key: result.manifest[key] for key in FACTS} | {"headline": narrative.headline(result)}
    return facts, [*facts["headline"], narrative.verdict(result)], folder


def each(found: Variants, say: Callable[[str], None]) -> Iterator[tuple[str, tuple[dict, list[str], Path] | Refusal]]:
    """Yield for each scenario what sets it apart, and its answer or the refusal; the others go on.

    What was learned is loaded once for all that take the same of it, so a number is that of ``oa-sim run``.
    """
    loaded: dict[tuple, xr.Dataset] = {}
    for i, scenario in enumerate(expand.scenarios(found)):
        apart = " ".join(found.overrides(i)[len(found.fixed) :])
        say(f"{i + 1} of {len(found.values)}: {apart}")
        try:
            if isinstance(scenario, Refusal):
                raise scenario
            wanted = scenario.posterior, scenario.sampler.draws
            if wanted not in loaded:
                loaded = {wanted: baseline_fit.load(*wanted)}  # one at a time: a posterior is large
            outcome = answer(scenario, say, loaded[wanted])
        except Refusal as refusal:
            outcome = refusal
        yield apart, outcome
