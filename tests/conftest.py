"""One tiny real model, chosen by config names, on a few draws of the shipped posterior."""

import gc
import json
import pickle

import pytest
from omegaconf import OmegaConf
from tiny import CHAINS, DRAWS, TINY

from oa_sim import load_scenario
from oa_sim.inference import baseline_fit, sampling
from oa_sim.inputs import tables
from oa_sim.simulation.scenario_run import run

_parse, _parsed = OmegaConf.load, {}


def _parse_once(file):
    """Parse a config file, each text once: Hydra reads the same files for every scenario."""
    if not hasattr(file, "seek"):
        return _parse(file)
    text = file.read()
    if text not in _parsed:
        file.seek(0)
        _parsed[text] = pickle.dumps(_parse(file))
    return pickle.loads(_parsed[text])


OmegaConf.load = _parse_once
gc.set_threshold(50_000, 20, 20)  # a scenario is made of many small objects, among which cycles are looked for in vain

LEFT = pytest.StashKey[int]()  # how many cases --each-once left out


def pytest_addoption(parser):
    parser.addoption("--renew", action="store_true", help="write the expected summaries anew")
    parser.addoption("--each-once", action="store_true", help="of each test function only its first case")


def pytest_report_header(config):
    return "each test function runs its first case only (--each-once)" if config.getoption("each_once") else None


@pytest.hookimpl(trylast=True)  # once what -m leaves out is gone
def pytest_collection_modifyitems(config, items):
    if not config.getoption("each_once"):
        return
    firsts, others = {}, []
    for item in items:
        # a case with a mark of its own needs a library that the others do not (Dask): it is another test
        marks = frozenset(mark.name for mark in item.own_markers)
        if firsts.setdefault((item.parent.nodeid, getattr(item, "originalname", item.name), marks), item) is not item:
            others.append(item)
    items[:] = firsts.values()
    config.hook.pytest_deselected(items=others)
    config.stash[LEFT] = len(others)
    if hasattr(config, "workeroutput"):
        config.workeroutput["left"] = len(others)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Keep what a worker left out: each collects all, and xdist says nothing of it."""
    left = getattr(node, "workeroutput", {}).get("left", 0)  # a worker that was killed says nothing
    node.config.stash[LEFT] = max(left, node.config.stash.get(LEFT, 0))


def pytest_terminal_summary(terminalreporter, config):
    if config.getoption("each_once"):
        left = config.stash.get(LEFT, 0)
        terminalreporter.write_sep("-", f"each test function once: {left} further cases were left out (--each-once)")


@pytest.fixture(scope="session")
def known():
    return tables.read_all()


@pytest.fixture(scope="session")
def tiny_posterior():
    """Give the first draws of the shipped posterior, said to have passed as the whole did."""
    few = baseline_fit.load().isel(chain=slice(CHAINS), draw=slice(DRAWS))
    gates = json.loads(few.attrs["gates"]) | {
        "verdict": "PASS", "reason": "made up", "r_hat_max": 1.0, "ess_bulk_min": 4000.0, "ess_tail_min": 4000.0,
        "divergences": 0, "worst": "'mu'", "n_draws": CHAINS * DRAWS,
    }  # fmt: skip
    return few.assign_attrs(gates=json.dumps(gates))


@pytest.fixture(scope="session")
def run_tiny(tiny_posterior):
    """Run the tiny scenario with overrides; each question is answered once a session."""
    kept = {}

    def answer(*overrides):
        if overrides not in kept:
            kept[overrides] = run(load_scenario(*TINY, *overrides), posterior=tiny_posterior)
        return kept[overrides]

    return answer


@pytest.fixture(scope="session")
def tiny(run_tiny):
    return run_tiny()


@pytest.fixture(scope="session")
def every_area(tiny_posterior):
    return run(load_scenario("horizon=5"), posterior=tiny_posterior)


@pytest.fixture(scope="module")
def compiled_once():
    """Compile the log density of a model once: PyMC would for its mode, and anew in the process of each chain.

    That is a third of a minute each time, most of what a short fit takes; what is compiled is the same. A model made
    anew, of the same record too, is compiled anew.
    """
    pm = sampling.load_pymc()
    compiled, kept = pm.Model.logp_dlogp_function, {}

    def once(model, of=None, **keys):
        asked = model, tuple(one.name for one in of or model.value_vars)
        if asked not in kept:
            kept[asked] = compiled(model, of, **keys)
        return kept[asked]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pm.Model, "logp_dlogp_function", once)
        yield
