"""Decision commands: optimise, target, monitor and voi, each with settings of its own beside its scenario."""

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from oa_sim.cli.output import CommandResult, Progress

if TYPE_CHECKING:
    from oa_sim.scenario.schema import Scenario

OPTIMISE_FACTS = ("run_id", "data_hash", "oa_sim", "posterior", "n_draws")
TARGET_FACTS = ("run_id", "data_hash", "oa_sim")
TARGET_COLUMNS = (
    *("area", "measure", "group", "target_year", "target", "share_of_districts", "scale", "goal"),
    *("probability", "colour", "base_rate", "ranks", "met", "status"),
)
MONITOR_FACTS = ("run_id", "data_hash", "oa_sim", "pareto_k", "effective_draws", "learned_again")
VOI_FACTS = ("run_id", "data_hash", "oa_sim", "n_draws")
VOI_COLUMNS = ("known", "kind", "value", "error", "gbp")


def optimise(arguments: Namespace) -> CommandResult:
    """Answer ``optimise``: the best plan for an objective under constraints."""
    from oa_sim.decide.constraints import Optimising

    settings, scenario = _settings(arguments.words, "optimise", Optimising)
    from oa_sim.decide import narrative
    from oa_sim.decide.decision import decide
    from oa_sim.report import folder_writers

    with Progress() as progress:
        decision = decide(scenario, settings, progress.say)
        progress.say("writing the plan")
        sentences = narrative.plan_sentences(decision)
        folder = folder_writers.write_decision(decision, scenario.outputs, sentences)
    facts = decision.facts() | {key: decision.manifest[key] for key in OPTIMISE_FACTS} | {"headline": sentences}
    return CommandResult(facts, sentences, folder)


def target(arguments: Namespace) -> CommandResult:
    """Answer ``target``: attainable levels, the probability of each target, and the least money for one."""
    from oa_sim.scenario.load import area_names
    from oa_sim.targets.settings import Targeting

    settings, scenario = _settings(arguments.words, "target", Targeting)
    if settings.want.area is not None:  # before anything slow
        (settings.want.area,) = area_names([settings.want.area], scenario.data_folder)
    from oa_sim.report import folder_writers
    from oa_sim.targets import assess, narrative

    least: dict[str, Any] = {}
    with Progress() as progress:
        assessed = assess.promise(scenario, settings.target, progress.say)
        sentences = narrative.target_sentences(assessed)
        if settings.want.area is not None:
            from oa_sim.targets.minimum_budget import least_money

            budget = least_money(assessed.seen.scenario, settings.want, assessed.seen, progress.say)
            least = {"least_money_gbp": budget.gbp, "probability": budget.probability, "plan": budget.plan}
            least |= {"probability_without": budget.without, "probability_with_most": budget.most}
            sentences.insert(0, budget.sentence)
        folder = folder_writers.write_promises(assessed, scenario.outputs, sentences, least)
    rows = _records(assessed.judged[[*TARGET_COLUMNS]] if len(assessed.judged) else assessed.judged)
    facts = {"headline": sentences, "targets": rows, "not_judged": _records(assessed.not_judged)}
    facts |= {"verdict": assessed.facts["gates"]["verdict"]}
    facts |= {key: assessed.facts[key] for key in TARGET_FACTS}
    facts |= {key: value for key, value in least.items() if key != "plan"}
    return CommandResult(facts, sentences, folder)


def monitor(arguments: Namespace) -> CommandResult:
    """Answer ``monitor``: this year's figures against what was expected."""
    from oa_sim.targets.settings import Monitoring

    settings, scenario = _settings(arguments.words, "monitor", Monitoring)
    from oa_sim.report import folder_writers
    from oa_sim.targets import narrative
    from oa_sim.targets.monitor import monitor as compare_figures

    with Progress() as progress:
        monitored = compare_figures(scenario, settings.monitor, progress.say)
        sentences = narrative.monitoring_sentences(monitored)
        folder = folder_writers.write_monitored(monitored, scenario.outputs, sentences)
    facts = {"headline": sentences, "verdict": monitored.manifest["gates"]["verdict"]}
    return CommandResult(facts | {key: monitored.manifest[key] for key in MONITOR_FACTS}, sentences, folder)


def voi(arguments: Namespace) -> CommandResult:
    """Answer ``voi``: the value of information."""
    from oa_sim.decide.value_of_information import Studying

    settings, scenario = _settings(arguments.words, "voi", Studying)
    from oa_sim.decide import narrative
    from oa_sim.decide.value_of_information import voi as value_of_information
    from oa_sim.report import folder_writers

    with Progress() as progress:
        information = value_of_information(scenario, settings, progress.say)
        sentences = narrative.information_sentences(information)
        folder = folder_writers.write_information(information, scenario.outputs, sentences)
    rows = [{key: _json_value(row[key]) for key in VOI_COLUMNS} for _, row in information.known.iterrows()]
    facts = {"headline": sentences, "worth": rows, "verdict": information.manifest["gates"]["verdict"]}
    return CommandResult(facts | {key: information.manifest[key] for key in VOI_FACTS}, sentences, folder)


def _settings(overrides: list[str], config: str, schema: type[Any]) -> tuple[Any, "Scenario"]:
    """Return the settings of a verb and its scenario, once it is known that the answer can be written."""
    from oa_sim.scenario.load import load_beside, load_scenario

    settings, rest = load_beside(overrides, config, schema)
    scenario = load_scenario(*rest)
    from oa_sim.report import folder_writers  # after the overrides are known to be right

    folder_writers.check_writable(scenario.outputs)
    return settings, scenario


def _records(table: Any) -> list[dict[str, object]]:
    """Return the rows of a data frame as JSON takes them."""
    return [{str(key): _json_value(value) for key, value in row.items()} for row in table.to_dict("records")]


def _json_value(value: Any) -> object:
    """Return a cell of a table as JSON takes it; a number that is none is null."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and value != value else value


HANDLERS = {"optimise": optimise, "target": target, "monitor": monitor, "voi": voi}
