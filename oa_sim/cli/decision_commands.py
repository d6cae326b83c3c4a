"""Decision commands: the verbs that help to decide, each told of by a config of its own beside its scenario."""


def optimise(overrides: list[str]) -> tuple[dict, list[str], object]:
    """Answer ``optimise``: facts, sentences, and the folder that was written.

    Parameters
    ----------
    overrides
        Hydra overrides of the scenario, and of ``objective``, ``constraints`` and ``search``.

    Raises
    ------
    Refusal
        For what cannot be honoured.
    """
    from oa_sim.decide.constraints import Optimising

    asked, scenario = _asked(overrides, "optimise", Optimising)
    from oa_sim.cli.progress import Progress
    from oa_sim.decide import narrative
    from oa_sim.decide.decision import decide
    from oa_sim.report import folder_writers

    with Progress() as progress:
        found = decide(scenario, asked, progress.say)
        progress.say("writing the plan")
        said = narrative.plan_sentences(found)
        folder = folder_writers.write_decision(found, scenario.outputs, said)
    keys = ("run_id", "data_hash", "oa_sim", "posterior", "n_draws")
    facts = found.facts() | {key: found.manifest[key] for key in keys} | {"headline": said}
    return facts, said, folder


def target(overrides: list[str]) -> tuple[dict, list[str], object]:
    """Answer ``target``: facts, sentences, and the folder that was written.

    Parameters
    ----------
    overrides
        Hydra overrides of the scenario, and of ``target`` and ``want``.

    Raises
    ------
    Refusal
        For what cannot be honoured.
    """
    from oa_sim.targets.target_settings import Targeting

    asked, scenario = _asked(overrides, "target", Targeting)
    from oa_sim.cli.progress import Progress
    from oa_sim.report import folder_writers
    from oa_sim.targets import assess
    from oa_sim.targets import narrative as target_narrative

    with Progress() as progress:
        found = assess.promise(scenario, asked.target, progress.say)
        said, more = target_narrative.target_sentences(found), {}
        if asked.want.area is not None:
            from oa_sim.scenario.load import area_names
            from oa_sim.targets.minimum_budget import least_money

            (asked.want.area,) = area_names([asked.want.area], scenario.data_folder)
            least = least_money(found.seen.scenario, asked.want, found.seen, progress.say)
            more = {"least_money_gbp": least.gbp, "probability": least.probability, "plan": least.plan}
            more |= {"probability_without": least.without, "probability_with_most": least.most}
            said.insert(0, least.sentence)
        folder = folder_writers.write_promises(found, scenario.outputs, said, more)
    shown = ("area", "measure", "group", "target_year", "target", "scale", "probability", "colour", "base_rate", "met")
    rows = [{key: _plain(row[key]) for key in shown} for _, row in found.judged.iterrows()]
    facts = {key: found.facts[key] for key in ("run_id", "data_hash", "oa_sim")}
    facts |= {key: value for key, value in more.items() if key != "plan"}
    return {"headline": said, "targets": rows, "verdict": found.facts["gates"]["verdict"]} | facts, said, folder


def monitor(overrides: list[str]) -> tuple[dict, list[str], object]:
    """Answer ``monitor``: facts, sentences, and the folder that was written.

    Parameters
    ----------
    overrides
        Hydra overrides of the scenario, and of ``monitor``.

    Raises
    ------
    Refusal
        For what cannot be honoured.
    """
    from oa_sim.targets.monitor_settings import Monitoring

    asked, scenario = _asked(overrides, "monitor", Monitoring)
    from oa_sim.cli.progress import Progress
    from oa_sim.report import folder_writers
    from oa_sim.targets import narrative as target_narrative
    from oa_sim.targets.monitor import monitor as monitored

    with Progress() as progress:
        found = monitored(scenario, asked.monitor, progress.say)
        said = target_narrative.monitoring_sentences(found)
        folder = folder_writers.write_monitored(found, scenario.outputs, said)
    keys = ("run_id", "data_hash", "oa_sim", "pareto_k", "effective_draws", "learned_again")
    facts = {"headline": said, "verdict": found.manifest["gates"]["verdict"]}
    return facts | {key: found.manifest[key] for key in keys}, said, folder


def voi(overrides: list[str]) -> tuple[dict, list[str], object]:
    """Answer ``voi``: facts, sentences, and the folder that was written.

    Parameters
    ----------
    overrides
        Hydra overrides of the scenario, and of ``objective`` and ``voi``.

    Raises
    ------
    Refusal
        For what cannot be honoured.
    """
    from oa_sim.decide.voi_settings import Studying

    asked, scenario = _asked(overrides, "voi", Studying)
    from oa_sim.cli.progress import Progress
    from oa_sim.decide import narrative
    from oa_sim.decide.value_of_information import voi as information
    from oa_sim.report import folder_writers

    with Progress() as progress:
        found = information(scenario, asked, progress.say)
        said = narrative.information_sentences(found)
        folder = folder_writers.write_information(found, scenario.outputs, said)
    rows = [
        {key: _plain(row[key]) for key in ("known", "kind", "value", "error", "gbp")}
        for _, row in found.known.iterrows()
    ]
    facts = {key: found.manifest[key] for key in ("run_id", "data_hash", "oa_sim", "n_draws")}
    return {"headline": said, "worth": rows, "verdict": found.manifest["gates"]["verdict"]} | facts, said, folder


def _asked(overrides: list[str], config: str, schema: type) -> tuple:
    """Return what a verb is told and its scenario, once it is known that the answer can be written."""
    from oa_sim.scenario.load import load_beside, load_scenario

    asked, rest = load_beside(overrides, config, schema)
    scenario = load_scenario(*rest)
    from oa_sim.report import folder_writers  # after the overrides are known to be right

    folder_writers.check_writable(scenario.outputs)
    return asked, scenario


def _plain(value: object) -> object:
    """Return a cell as JSON takes it: a number that is none as null."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and value != value else value


VERBS = {"optimise": optimise, "target": target, "monitor": monitor, "voi": voi}
