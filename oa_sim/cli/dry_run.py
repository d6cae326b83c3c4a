"""Dry run: what would run, how long and how much memory; and whether everything is in order before anything runs."""

import json
from collections.abc import Callable, Iterator

from oa_sim.definitions import academic_year, series
from oa_sim.errors import Refusal
from oa_sim.evidence import studies
from oa_sim.inference import baseline_fit
from oa_sim.inputs import areas, tables
from oa_sim.programme import budget, parameters
from oa_sim.scenario.load import load_scenario, load_sweeping
from oa_sim.scenario.overrides import groups, sweep_groups
from oa_sim.scenario.schema import Scenario
from oa_sim.simulation.scenario_run import checked, checked_tables, known_until, run
from oa_sim.sweep import expand
from oa_sim.sweep.expand import Variants

# measured on two cores in one session (README, "How long it takes"); machines differ by a factor of two or more
RUN_START_SECONDS, RUN_SECONDS_PER_MILLION = 4.0, 0.4
BASE_MEMORY_GB, BYTES_PER_CELL = 0.2, 24.0


def plan(scenario: Scenario) -> dict:
    """Return what a run of the scenario would do, with an estimate of its time and memory.

    Raises
    ------
    Refusal
        Where the run itself would refuse the scenario, the tables or the history.
    """
    scenario = checked(scenario)
    known = checked_tables(scenario)
    here = known | {"areas": [row for row in known["areas"] if row["area"] in scenario.areas.names]}
    areas.check_history(areas.history(here, known_until(scenario)), scenario.measures)
    studies.check(scenario, known)
    parameters.check_events(scenario, known["events"])
    budget.allocate(scenario, areas.pupils(here), known)  # an amount, a plan or a programme that is not in the tables
    posterior = baseline_fit.load(scenario.posterior, scenario.sampler.draws)
    n_draws = posterior.sizes["chain"] * posterior.sizes["draw"]
    made = json.loads(posterior.attrs["made"])
    cells = n_draws * len(scenario.areas.names) * 3 * len(scenario.measures)
    cells *= scenario.horizon + len(budget.window(scenario))
    seconds = RUN_START_SECONDS + RUN_SECONDS_PER_MILLION * cells / 1e6
    memory = BASE_MEMORY_GB + BYTES_PER_CELL * cells / 1e9
    return {
        "scenario": scenario.name,
        "years": f"{scenario.years[0]} to {scenario.years[-1]}",
        "areas": len(scenario.areas.names),
        "series": len(series(scenario.measures)),
        "draws": n_draws,
        "money_gbp": round(scenario.budget.total_gbp),
        "posterior": f"learned from {made['authorities']} authorities up to {academic_year(made['until'])}",
        "seconds_about": round(seconds),
        "memory_gb_about": round(memory, 1),
        "outputs": scenario.outputs,
    }


def each(found: Variants, say: Callable[[str], None]) -> Iterator[tuple[str, tuple[dict, list[str], None] | Refusal]]:
    """Yield for each scenario what sets it apart, and what its run would do or the refusal; nothing is run."""
    for i, scenario in enumerate(expand.scenarios(found)):
        apart = " ".join(found.overrides(i)[len(found.fixed) :])
        try:
            if isinstance(scenario, Refusal):
                raise scenario
            facts = plan(scenario)
            lines = [", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items())]
            outcome = facts, lines, None
        except Refusal as refusal:
            outcome = refusal
        yield apart, outcome


def check(overrides: list[str], say: Callable[[str], None]) -> dict:
    """Return what was found in order: every config composes, the tables hold, a tiny example obeys its laws.

    Raises
    ------
    Refusal
        At the first thing that is not in order.
    """
    say("composing every choice of every group")
    n_choices = sum(_composes(group, choice) for group, choices in groups().items() for choice in choices)
    n_choices += sum(_sweeps(group, choice) for group, choices in sweep_groups().items() for choice in choices)
    scenario = load_scenario(*overrides)
    say("reading the tables")
    known = tables.read_all(scenario.data_folder)
    doubted = sum(row.get("status") == "to verify" for rows in known.values() for row in rows)
    say("running a tiny example on a few draws")
    some = [row["area"] for row in known["areas"]][:3]
    small = load_scenario(areas=some, horizon=5, data_folder=scenario.data_folder)
    tiny = run(small, posterior=baseline_fit.load(draws=20))
    holds = tiny.draws.counterfactual + tiny.draws.impact == tiny.draws.projection
    if tiny.manifest["account_gbp"]["difference"] or not bool((holds | tiny.draws.projection.isnull()).all()):
        raise Refusal("the tiny example breaks a law of the accounts: do not use this copy, report it")
    return {
        "configs": f"{n_choices} choices in {len(groups()) + len(sweep_groups())} groups compose",
        "tables": f"{len(known)} tables, {sum(map(len, known.values())):,} rows, {doubted} marked to verify",
        "data_hash": tables.data_hash(scenario.data_folder),
        "example": f"{small.name}: {tiny.n_draws} draws, money and impact reconcile",
        "verdict": "everything is in order",
    }


def _composes(group: str, choice: str) -> int:
    """Compose one choice, with what it needs beside it."""
    beside = {
        ("split", "custom"): ["areas=[Norwich, Oldham]", "split.shares={Norwich: 0.5, Oldham: 0.5}"],
        ("portfolio", "custom"): ["portfolio.shares={early_language: 1.0}"],
    }
    value = f"[{choice}]" if group == "intervention" else choice
    more = ["portfolio=none"] if group == "intervention" else beside.get((group, choice), [])
    load_scenario(f"{group}={value}", *more)
    return 1


def _sweeps(group: str, choice: str) -> int:
    """Compose one choice of a sweep, with what it needs beside it."""
    load_sweeping([f"{group}={choice}", *(["design.file=scenarios.csv"] if choice == "list" else [])])
    return 1
