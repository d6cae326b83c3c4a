"""Main: finds the command, and prints its answer or one sentence of refusal (exit code 2).

Help loads no NumPy and ``show`` no PyMC.
"""

import sys

HELP = """oa-sim: the twelve Opportunity Areas over 5 to 15 years, with and without the programme

  oa-sim run       run one scenario            oa-sim run scenario=early_years_first horizon=15
  oa-sim compare   scenarios side by side      oa-sim compare no_programme as_delivered hand_over
  oa-sim sweep     thousands of scenarios      oa-sim sweep split=equal,per_pupil horizon=5,10 --out DIR
  oa-sim resume    go on with a sweep          oa-sim resume DIR
  oa-sim extend    add scenarios to a sweep    oa-sim extend DIR split=as_paid horizon=5,10
  oa-sim optimise  the best plan, with proof   oa-sim optimise objective.group=disadvantaged
  oa-sim target    what can be promised        oa-sim target target.table=targets.xlsx
  oa-sim monitor   this year's figures         oa-sim monitor start_year=2022 monitor.figures=package
  oa-sim voi       what a study is worth       oa-sim voi objective.of=earnings
  oa-sim fit       learn from all authorities  oa-sim fit panel.path=panel.csv
  oa-sim evidence  what each study adds        oa-sim evidence scenario=hand_over
  oa-sim backtest  forecasts on trial          oa-sim backtest panel.path=A.csv panel.train_until=2019 panel.actuals=B
  oa-sim sensitivity   what a sweep rests on   oa-sim sensitivity DIR headline=impact_mean 'fails=impact_q05<0'
  oa-sim report    packs for people to open    oa-sim report outputs/as_delivered/ID --to docx,pptx
  oa-sim explore   levers on this machine      oa-sim explore outputs/as_delivered/ID
  oa-sim show      the scenario in full        oa-sim show scenario=hand_over split=per_pupil
  oa-sim check     configs, tables, example    oa-sim check

Each verb takes Hydra overrides, key=value. Keys that are used most:
  scenario, horizon, seed, areas, split, portfolio, budget.total_gbp, sampler.draws, posterior, outputs
  fit and backtest: panel.path, panel.train_until, panel.actuals, sampler.draws, sampler.tune, seed, outputs
  sweep and extend: several values of a key with commas; design, design.n, engine, engine.workers, block
  oa-sim run --help lists every group and its choices.

  --json      machine-readable answer on stdout
  --dry-run   what would run, how long and how much memory; nothing is run
  -m          run each of several: oa-sim run -m split=equal,per_pupil portfolio=teaching,balanced
  --version   the version
  --out DIR   of sweep: its folder        --fail-fast   of sweep, resume, extend: stop at the first failure
  --to LIST   of report: html, docx, pptx, xlsx, csv, json; all where it is left out
"""


FLAGS = ("--json", "--dry-run", "--multirun", "-m", "--help", "-h", "--version")


def main(argv: list[str] | None = None) -> int:
    """Answer one command line and return the exit code."""
    import os

    from oa_sim.errors import Refusal

    # small matrices, and threads that wait for each other: one thread of linear algebra is faster, here as in the fit
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return _answer(words)
    except Refusal as refusal:
        print("oa-sim: " + " ".join(str(refusal).split()), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("oa-sim: stopped; nothing unfinished was written", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stdout = None  # the reader has gone, and there is nobody left to tell
        return 0


def _answer(words: list[str]) -> int:
    from oa_sim.cli import decision_commands, explore, report, sweep
    from oa_sim.errors import Refusal, unknown

    for door in (sweep, report, explore):  # verbs with flags of their own
        if words and words[0] in door.VERBS and not {"--help", "-h"} & set(words):
            return door.answer(words[0], words[1:])
    flags = {word for word in words if word.startswith("-")}
    rest = [word for word in words if not word.startswith("-")]
    for flag in sorted(flags):
        if flag not in FLAGS:
            raise unknown("flag", flag, FLAGS)
    if "--version" in flags:
        from oa_sim import __version__

        print(__version__)
        return 0
    if not rest:
        print(HELP, end="")
        return 0
    verb, overrides = rest[0], rest[1:]
    known = (*VERBS, *sweep.VERBS, *decision_commands.VERBS, *report.VERBS, *explore.VERBS)
    if verb not in known:
        raise unknown("verb", verb, known)
    if flags & {"--help", "-h"}:
        print(HELP + _choices(), end="")
        return 0
    if "--dry-run" in flags and verb not in ("run", "compare"):
        raise Refusal(f"--dry-run goes with run and compare, got {verb}: leave it out")
    if flags & {"-m", "--multirun"}:
        if verb != "run":
            raise Refusal(f"-m goes with run, got {verb}: leave it out")
        return _run_each(overrides, as_json="--json" in flags, is_dry="--dry-run" in flags)
    if verb in decision_commands.VERBS:
        return _finish(*decision_commands.VERBS[verb](overrides), "--json" in flags)
    return VERBS[verb](overrides, as_json="--json" in flags, is_dry="--dry-run" in flags)


def _choices() -> str:
    from oa_sim.scenario.overrides import groups, sweep_groups

    said = ""
    for title, found in (("Groups and their choices", groups()), ("Of a sweep", sweep_groups())):
        said += f"\n{title}\n" + "".join(f"  {name}: {', '.join(names)}\n" for name, names in found.items())
    return said


def _run(overrides: list[str], *, as_json: bool, is_dry: bool) -> int:
    from oa_sim.scenario.load import load_scenario

    scenario = load_scenario(*overrides)
    from oa_sim.report import folder_writers

    folder_writers.check_writable(scenario.outputs)
    if is_dry:
        from oa_sim.cli.dry_run import plan

        return _say(plan(scenario), as_json)
    from oa_sim.cli import batch
    from oa_sim.cli.progress import Progress

    with Progress() as progress:
        facts, lines, folder = batch.answer(scenario, progress.say)
    return _finish(facts, lines, folder, as_json)


def _run_each(overrides: list[str], *, as_json: bool, is_dry: bool) -> int:
    """Answer ``run -m``: each scenario of a grid is run; one that is refused is said and the rest go on."""
    from oa_sim.errors import Refusal
    from oa_sim.scenario.load import load_sweeping
    from oa_sim.scenario.sweep_settings import Design
    from oa_sim.sweep.expand import expand

    _, left = load_sweeping(overrides)
    for word in (word for word in overrides if word not in left):
        raise Refusal(f"run -m runs a grid, each scenario in turn, got {word}: leave it out, or write oa-sim sweep")
    found = expand(left, Design("grid"))
    from oa_sim.cli import batch, dry_run
    from oa_sim.cli.progress import Progress

    said, n_refused = [], 0
    with Progress() as progress:
        for apart, outcome in (dry_run.each if is_dry else batch.each)(found, progress.say):
            if isinstance(outcome, Refusal):
                n_refused += 1
                said.append({"overrides": apart, "refused": str(outcome)})
                print(f"oa-sim: {apart}: {outcome}", file=sys.stderr)
                continue
            facts, lines, folder = outcome
            said.append({"overrides": apart} | facts | ({"folder": str(folder)} if folder else {}))
            if not as_json:
                print(apart, *lines, *([folder] if folder else []), sep="\n", flush=True)
    if as_json:
        _say(said, as_json)
    return 2 if n_refused else 0


def _compare(overrides: list[str], *, as_json: bool, is_dry: bool) -> int:
    from oa_sim.errors import Refusal
    from oa_sim.scenario.load import load_scenario

    names = [word for word in overrides if "=" not in word]
    shared = [word for word in overrides if "=" in word]
    if any(word.startswith("scenario=") for word in shared):
        raise Refusal(
            "compare takes the names of scenarios, got scenario=: write oa-sim compare no_programme hand_over"
        )
    scenarios = [load_scenario(f"scenario={name}", *shared) for name in names]
    if len(scenarios) < 2:
        raise Refusal(f"compare needs two scenarios or more, got {len(scenarios)}: name another")
    from oa_sim.report import folder_writers

    outputs = scenarios[0].outputs
    folder_writers.check_writable(outputs)
    if is_dry:
        from oa_sim.cli.dry_run import plan

        plans = [plan(scenario) for scenario in scenarios]
        return _say(
            {"runs": plans} if as_json else {facts.pop("scenario"): _in_line(facts) for facts in plans}, as_json
        )
    from oa_sim.cli.progress import Progress
    from oa_sim.simulation import narrative
    from oa_sim.simulation.comparison import compare

    with Progress() as progress:
        comparison = compare(*scenarios, say=progress.say)
        folder = folder_writers.write_comparison(comparison, outputs)
    facts = {
        "scenarios": [result.label for result in comparison.results],
        "verdict": folder_writers.verdict_of(comparison),
    }
    facts["headline"] = narrative.compared(comparison)
    return _finish(facts, [*facts["headline"], narrative.verdict(comparison.results[0])], folder, as_json)


def _fit(overrides: list[str], *, as_json: bool, is_dry: bool) -> int:
    from oa_sim.scenario.load import load_learning

    learning = load_learning(*overrides)
    from oa_sim.cli.progress import Progress
    from oa_sim.inference import baseline_fit
    from oa_sim.report import folder_writers

    folder_writers.check_writable(learning.outputs)
    with Progress() as progress:
        found = baseline_fit.fit(learning, progress.say, progress=sys.stderr.isatty())
        folder = folder_writers.write_learned(found, learning.outputs)
    gates = found.facts["gates"]
    facts = {"verdict": gates["verdict"], "read": found.read} | found.facts
    use = f"use it with oa-sim run posterior={folder / 'learned.nc'}"
    return _finish(facts, [*found.read, f"{gates['verdict']}: {gates['reason']}", use], folder, as_json)


def _backtest(overrides: list[str], *, as_json: bool, is_dry: bool) -> int:
    from oa_sim.scenario.load import load_learning

    learning = load_learning(*overrides)
    from oa_sim.cli.progress import Progress
    from oa_sim.report import folder_writers
    from oa_sim.validation import backtest, scoring

    folder_writers.check_writable(learning.outputs)
    with Progress() as progress:
        found = backtest.contest(learning, progress.say, progress=sys.stderr.isatty())
        progress.say("writing the scores")
        folder = folder_writers.write_contest(found, learning.outputs)
    gates, verdict = found.made["gates"], scoring.verdict(found.scores)
    facts = {"verdict": gates["verdict"], "scores": verdict} | found.made
    return _finish(facts, [*verdict, f"{gates['verdict']}: {gates['reason']}"], folder, as_json)


def _evidence(overrides: list[str], *, as_json: bool, is_dry: bool) -> int:
    from oa_sim.scenario.load import load_scenario

    scenario = load_scenario(*overrides)
    from oa_sim.report import folder_writers

    folder_writers.check_writable(scenario.outputs)
    from oa_sim.cli.progress import Progress
    from oa_sim.simulation import narrative
    from oa_sim.validation import leave_one_study_out

    with Progress() as progress:
        found = leave_one_study_out.evidence_ledger(scenario, say=progress.say)
        progress.say("writing the ledger")
        folder = folder_writers.write_ledger(found, scenario.outputs)
    facts = {"scenario": found.result.label, "verdict": found.verdict, "headline": leave_one_study_out.sentences(found)}
    facts |= {key: found.result.manifest[key] for key in ("run_id", "synthesis", "gates", "data_hash", "oa_sim")}
    return _finish(facts, [*facts["headline"], narrative.verdict(found.result)], folder, as_json)


def _sensitivity(overrides: list[str], *, as_json: bool, is_dry: bool) -> int:
    from oa_sim.report import folder_writers
    from oa_sim.sweep import findings

    outputs, found = findings.answer(overrides, folder_writers.check_writable)
    return _finish(found.in_short, found.said, folder_writers.write_findings(found, outputs), as_json)


def _show(overrides: list[str], *, as_json: bool, is_dry: bool) -> int:
    from dataclasses import asdict

    from oa_sim.scenario.load import as_yaml, load_scenario

    scenario = load_scenario(*overrides)
    if as_json:
        return _say(asdict(scenario), as_json)
    print(as_yaml(scenario), end="")
    return 0


def _check(overrides: list[str], *, as_json: bool, is_dry: bool) -> int:
    from oa_sim.cli.dry_run import check
    from oa_sim.cli.progress import Progress

    with Progress() as progress:
        return _say(check(overrides, progress.say), as_json)


def _finish(facts: dict, lines: list[str], folder, as_json: bool) -> int:
    """Print the answer; the folder comes last."""
    if as_json:
        return _say(facts | {"folder": str(folder)}, as_json)
    print(*lines, sep="\n")
    print(folder)
    return 0


def _say(facts: dict | list, as_json: bool) -> int:
    """Print facts as one line of JSON, or a line each; a list is for JSON alone."""
    if as_json:
        import json

        print(json.dumps(facts, ensure_ascii=False))
        return 0
    for name, value in facts.items():
        for part in value if isinstance(value, list) else [value]:
            print(f"{name.replace('_', ' ')}: {part}")
    return 0


def _in_line(facts: dict) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items())


VERBS = {
    "run": _run,
    "compare": _compare,
    "evidence": _evidence,
    "fit": _fit,
    "backtest": _backtest,
    "sensitivity": _sensitivity,
    "show": _show,
    "check": _check,
}

if __name__ == "__main__":
    sys.exit(main())
