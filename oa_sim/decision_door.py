"""Decision door: the verbs that help to decide, each told of by a config of its own beside its scenario."""


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
    from oa_sim.choices import load_beside, load_scenario
    from oa_sim.constraints import Optimising

    asked, rest = load_beside(overrides, "optimise", Optimising)
    scenario = load_scenario(*rest)
    from oa_sim import report

    report.check_writable(scenario.outputs)
    from oa_sim import advice
    from oa_sim.decision import decide
    from oa_sim.progress import Progress

    with Progress() as progress:
        found = decide(scenario, asked, progress.say)
        progress.say("writing the plan")
        said = advice.sentences(found)
        folder = report.write_decision(found, scenario.outputs, said)
    keys = ("run_id", "data_hash", "oa_sim", "posterior", "n_draws")
    facts = found.facts() | {key: found.manifest[key] for key in keys} | {"headline": said}
    return facts, said, folder


VERBS = {"optimise": optimise}
