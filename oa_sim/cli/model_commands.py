"""Model commands: run, compare, evidence, fit, backtest, show and check, and what a dry run prints.

Libraries are imported where a command needs them, after what is typed has been checked as far as it can be without.
"""

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oa_sim.cli.output import CommandResult, Facts, Progress, fact_lines, print_result
from oa_sim.errors import Refusal

if TYPE_CHECKING:
    import xarray as xr

    from oa_sim.scenario.schema import Scenario
    from oa_sim.sweep.expand import Variants

RUN_FACTS = ("run_id", "account_gbp", "gates", "data_hash", "oa_sim")
EVIDENCE_FACTS = ("run_id", "synthesis", "gates", "data_hash", "oa_sim")
NEEDED = {  # what a choice needs beside it to compose
    ("split", "custom"): ["areas=[Norwich, Oldham]", "split.shares={Norwich: 0.5, Oldham: 0.5}"],
    ("portfolio", "custom"): ["portfolio.shares={early_language: 1.0}"],
    ("design", "list"): ["design.file=scenarios.csv"],
}
# measured on two cores in one session (docs/performance.md); machines differ by a factor of two or more
RUN_START_SECONDS, RUN_SECONDS_PER_MILLION = 4.0, 0.4
BASE_MEMORY_GB, BYTES_PER_CELL = 0.2, 24.0


def run(arguments: Namespace) -> CommandResult:
    """Answer ``run``: one scenario, or with ``-m`` every combination of several values."""
    if arguments.multirun:
        return _run_each(arguments)
    from oa_sim.scenario.load import load_scenario

    scenario = load_scenario(*arguments.words)
    _check_writable(scenario.outputs)
    if arguments.dry_run:
        return dry_run(scenario)
    with Progress() as progress:
        return _run_one(scenario, progress.say)


def _run_one(scenario: "Scenario", say: Callable[[str], None], posterior: "xr.Dataset | None" = None) -> CommandResult:
    """Run a scenario and write its folder; the fitted baseline may be loaded already."""
    from oa_sim.report import folder_writers
    from oa_sim.simulation import narrative, scenario_run

    _check_writable(scenario.outputs)
    result = scenario_run.run(scenario, posterior=posterior, say=say)
    say("writing the results")
    folder = folder_writers.write(result, scenario.outputs)
    sentences = narrative.headline(result)
    facts = {"scenario": result.label, "verdict": result.manifest["gates"]["verdict"]}
    facts |= {key: result.manifest[key] for key in RUN_FACTS} | {"headline": sentences}
    return CommandResult(facts, [*sentences, narrative.verdict(result)], folder)


def _run_each(arguments: Namespace) -> CommandResult:
    """Answer ``run -m``: print each result when it is there; the facts of all come last."""
    from oa_sim.scenario.load import load_sweeping
    from oa_sim.scenario.sweep_settings import Design
    from oa_sim.sweep.expand import expand

    _, words = load_sweeping(arguments.words)
    for word in arguments.words:
        if word not in words:
            raise Refusal(f"run -m runs a grid, one scenario after another, got {word}: drop it, or use oa-sim sweep")
    variants = expand(words, Design("grid"))
    facts: list[Facts] = []
    exit_code = 0
    with Progress() as progress:
        for label, outcome in _outcomes(variants, progress.say, is_dry=arguments.dry_run):
            if isinstance(outcome, Refusal):
                exit_code = 2
                facts.append({"overrides": label, "refused": str(outcome)})
                print(f"oa-sim: {label}: {outcome}", file=sys.stderr)
                continue
            folder = {"folder": str(outcome.folder)} if outcome.folder else {}
            facts.append({"overrides": label, **_mapping(outcome), **folder})
            lines = [label, *outcome.lines]
            print_result(CommandResult(None, lines, outcome.folder), is_json=arguments.json)
    return CommandResult(facts if arguments.json else None, exit_code=exit_code)


def _outcomes(
    variants: "Variants", say: Callable[[str], None], *, is_dry: bool
) -> Iterator[tuple[str, CommandResult | Refusal]]:
    """Yield for each scenario of a grid the overrides that set it apart, and its result or its refusal.

    The fitted baseline is loaded once for all scenarios that use the same, so numbers are those of single runs.
    """
    from oa_sim.inference import baseline_fit
    from oa_sim.sweep import expand

    loaded: dict[tuple[object, int], xr.Dataset] = {}
    for i, scenario in enumerate(expand.scenarios(variants)):
        label = " ".join(variants.overrides(i)[len(variants.fixed) :])
        say(f"{i + 1} of {len(variants.values)}: {label}")
        try:
            if isinstance(scenario, Refusal):
                raise scenario
            if is_dry:
                yield label, dry_run(scenario)
                continue
            key = scenario.posterior, scenario.sampler.draws
            if key not in loaded:
                loaded = {key: baseline_fit.load(*key)}  # one at a time: a posterior is large
            outcome: CommandResult | Refusal = _run_one(scenario, say, loaded[key])
        except Refusal as refusal:
            outcome = refusal
        yield label, outcome


def compare(arguments: Namespace) -> CommandResult:
    """Answer ``compare``: scenarios on the same draws, each against the first."""
    from oa_sim.scenario.load import load_scenario
    from oa_sim.scenario.overrides import named_scenario

    names = [word for word in arguments.words if "=" not in word]
    shared = [word for word in arguments.words if "=" in word]
    if any(word.startswith("scenario=") for word in shared):
        raise Refusal("compare takes names of scenarios, got scenario=: write oa-sim compare no_programme hand_over")
    scenarios = [load_scenario(named_scenario(name), *shared) for name in names]
    if len(scenarios) < 2:
        raise Refusal(f"compare needs two scenarios or more, got {len(scenarios)}: name another")
    outputs = scenarios[0].outputs
    _check_writable(outputs)
    if arguments.dry_run:
        plans = [dry_run(scenario) for scenario in scenarios]
        lines = [line for plan in plans for line in plan.lines]
        return CommandResult({"runs": [_mapping(plan) for plan in plans]}, lines)
    from oa_sim.report import folder_writers
    from oa_sim.simulation import narrative
    from oa_sim.simulation.comparison import compare as run_comparison

    with Progress() as progress:
        comparison = run_comparison(*scenarios, say=progress.say)
        folder = folder_writers.write_comparison(comparison, outputs)
    sentences = narrative.compared(comparison)
    facts = {
        "scenarios": [result.label for result in comparison.results],
        "verdict": folder_writers.verdict_of(comparison),
        "headline": sentences,
    }
    return CommandResult(facts, [*sentences, narrative.verdict(comparison.results[0])], folder)


def evidence(arguments: Namespace) -> CommandResult:
    """Answer ``evidence``: a scenario without each study in turn."""
    from oa_sim.scenario.load import load_scenario

    scenario = load_scenario(*arguments.words)
    _check_writable(scenario.outputs)
    from oa_sim.report import folder_writers
    from oa_sim.simulation import narrative
    from oa_sim.validation import leave_one_study_out

    with Progress() as progress:
        ledger = leave_one_study_out.evidence_ledger(scenario, say=progress.say)
        progress.say("writing the results")
        folder = folder_writers.write_ledger(ledger, scenario.outputs)
    sentences = leave_one_study_out.sentences(ledger)
    facts = {"scenario": ledger.result.label, "verdict": ledger.verdict, "headline": sentences}
    facts |= {key: ledger.result.manifest[key] for key in EVIDENCE_FACTS}
    return CommandResult(facts, [*sentences, narrative.verdict(ledger.result)], folder)


def fit(arguments: Namespace) -> CommandResult:
    """Answer ``fit``: the baseline model fitted to a panel of local authorities."""
    from oa_sim.scenario.load import load_learning

    learning = load_learning(*arguments.words)
    from oa_sim.inference import baseline_fit
    from oa_sim.report import folder_writers

    _check_writable(learning.outputs)
    with Progress() as progress:
        fitted = baseline_fit.fit(learning, progress.say, progress=sys.stderr.isatty())
        folder = folder_writers.write_learned(fitted, learning.outputs)
    gates = fitted.facts["gates"]
    facts = {"verdict": gates["verdict"], "read": fitted.read} | fitted.facts
    use = f"Use it with: oa-sim run posterior={folder / 'learned.nc'}"
    return CommandResult(facts, [*fitted.read, f"{gates['verdict']}: {gates['reason']}", use], folder)


def backtest(arguments: Namespace) -> CommandResult:
    """Answer ``backtest``: forecasts from figures up to a year, scored against those published later."""
    from oa_sim.scenario.load import load_learning

    learning = load_learning(*arguments.words)
    from oa_sim.report import folder_writers
    from oa_sim.validation import backtest as forecast_evaluation
    from oa_sim.validation import district_backtest, scoring

    _check_writable(learning.outputs)
    with Progress() as progress:
        contest = forecast_evaluation.contest(learning, progress.say, progress=sys.stderr.isatty())
        progress.say("writing the scores")
        folder = folder_writers.write_contest(contest, learning.outputs)
    gates, sentences = contest.made["gates"], scoring.verdict(contest.scores)
    if contest.districts is not None:
        sentences += district_backtest.sentences(contest.districts)
    facts = {"verdict": gates["verdict"], "scores": sentences} | contest.made
    return CommandResult(facts, [*sentences, f"{gates['verdict']}: {gates['reason']}"], folder)


def show(arguments: Namespace) -> CommandResult:
    """Answer ``show``: a scenario in full, as YAML."""
    from dataclasses import asdict

    from oa_sim.scenario.load import as_yaml, load_scenario

    scenario = load_scenario(*arguments.words)
    return CommandResult(asdict(scenario), as_yaml(scenario).splitlines())


def check(arguments: Namespace) -> CommandResult:
    """Answer ``check``: every config composes, the tables hold, and a small example obeys the laws of the accounts."""
    with Progress() as progress:
        facts = _check_installation(arguments.words, progress.say)
    return CommandResult(facts, fact_lines(facts))


def _check_installation(overrides: list[str], say: Callable[[str], None]) -> dict[str, str]:
    """Return what was checked, in words."""
    from oa_sim.inference import baseline_fit
    from oa_sim.inputs import tables
    from oa_sim.scenario.config_files import groups, sweep_groups
    from oa_sim.scenario.load import load_scenario
    from oa_sim.simulation import scenario_run

    say("composing every choice of every group")
    every = groups() | sweep_groups()
    for group, choices in every.items():
        for choice in choices:
            _compose(group, choice)
    scenario = load_scenario(*overrides)
    say("reading the tables")
    folder = Path(scenario.data_folder) if scenario.data_folder else None
    rows = tables.read_all(folder)
    n_unverified = sum(row.get("status") == "to verify" for table in rows.values() for row in table)
    say("running a small example on a few draws")
    areas = [row["area"] for row in rows["areas"]][:3]
    small = load_scenario(areas=areas, horizon=5, data_folder=scenario.data_folder)
    result = scenario_run.run(small, posterior=baseline_fit.load(draws=20))
    adds_up = result.draws.counterfactual + result.draws.impact == result.draws.projection
    if result.manifest["account_gbp"]["difference"] or not bool((adds_up | result.draws.projection.isnull()).all()):
        raise Refusal("the small example breaks a law of the accounts: do not use this copy, report it")
    return {
        "configs": f"{sum(map(len, every.values()))} choices in {len(every)} groups compose",
        "tables": f"{len(rows)} tables, {sum(map(len, rows.values())):,} rows, {n_unverified} marked to verify",
        "data_hash": tables.data_hash(folder),
        "example": f"{small.name}: {result.n_draws} draws, money and impact reconcile",
        "verdict": "everything is in order",
    }


def _compose(group: str, choice: str) -> None:
    """Compose one choice of a group, with what it needs beside it."""
    from oa_sim.scenario.config_files import OF_A_SWEEP
    from oa_sim.scenario.load import load_scenario, load_sweeping

    if group in OF_A_SWEEP:
        load_sweeping([f"{group}={choice}", *NEEDED.get((group, choice), [])])
    elif group == "intervention":
        load_scenario(f"{group}=[{choice}]", "portfolio=none")
    else:
        load_scenario(f"{group}={choice}", *NEEDED.get((group, choice), []))


def dry_run(scenario: "Scenario") -> CommandResult:
    """Return what a run of the scenario would do, with an estimate of its time and memory."""
    from oa_sim.definitions import academic_year, series
    from oa_sim.formatting import pounds

    scenario, learned, n_draws, n_years = _checked(scenario)
    cells = n_draws * len(scenario.areas.names) * 3 * len(scenario.measures) * n_years
    facts = {
        "scenario": scenario.name,
        "years": f"{scenario.years[0]} to {scenario.years[-1]}",
        "areas": len(scenario.areas.names),
        "series": len(series(scenario.measures)),
        "draws": n_draws,
        "money_gbp": round(scenario.budget.total_gbp),
        "posterior": f"fitted to {learned['authorities']} authorities up to {academic_year(learned['until'])}",
        "seconds_about": round(RUN_START_SECONDS + RUN_SECONDS_PER_MILLION * cells / 1e6),
        "memory_gb_about": round(BASE_MEMORY_GB + BYTES_PER_CELL * cells / 1e9, 1),
        "outputs": scenario.outputs,
    }
    n_areas = f"{facts['areas']} area{'s' * (facts['areas'] != 1)}"
    first, last = academic_year(scenario.years[0]), academic_year(scenario.years[-1])
    lines = [
        f"{scenario.title}: {first} to {last}, {n_areas}, {facts['series']} series of outcomes, "
        f"{n_draws:,} draws, {pounds(scenario.budget.total_gbp)}.",
        f"Baseline: {facts['posterior']}.",
        f"A run takes about {facts['seconds_about']} seconds and {facts['memory_gb_about']} GB of memory. "
        "Machines differ by a factor of two or more.",
        f"Results would go to {scenario.outputs}. Nothing was run.",
    ]
    return CommandResult(facts, lines)


def _checked(scenario: "Scenario") -> tuple["Scenario", dict[str, Any], int, int]:
    """Return a scenario that can be run, the facts of its fitted baseline, and the draws and years of a run."""
    import json

    from oa_sim.evidence import studies
    from oa_sim.inference import baseline_fit
    from oa_sim.programme import budget, parameters
    from oa_sim.simulation.scenario_run import prepare

    scenario, rows, _, pupils = prepare(scenario)
    studies.check(scenario, rows)
    parameters.check_events(scenario, rows["events"])
    budget.allocate(scenario, pupils, rows)  # an amount, a plan or a programme that is not in the tables
    posterior = baseline_fit.load(scenario.posterior, scenario.sampler.draws)
    n_draws = posterior.sizes["chain"] * posterior.sizes["draw"]
    return scenario, json.loads(posterior.attrs["made"]), n_draws, scenario.horizon + len(budget.window(scenario))


def _check_writable(outputs: str) -> None:
    from oa_sim.report import folder_writers  # after what is typed is known to be right

    folder_writers.check_writable(outputs)


def _mapping(result: CommandResult) -> dict[str, Any]:
    """Return the facts of the result of one scenario."""
    return dict(result.facts) if result.facts and not isinstance(result.facts, list) else {}


HANDLERS = {handler.__name__: handler for handler in (run, compare, evidence, fit, backtest, show, check)}
