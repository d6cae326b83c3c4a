import ast
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import oa_sim
from oa_sim import load_scenario
from oa_sim.compiled import input_cache, jit, simulate
from oa_sim.errors import Refusal
from oa_sim.inference import baseline_fit, posterior_files

FEW = ("areas=[Norwich]", "horizon=5", "sampler.draws=20")
HOME = Path(oa_sim.__file__).parent


def imported(path):
    """Return the files of the package that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "oa_sim":
            at = HOME.joinpath(*node.module.split(".")[1:])
            found |= {at.with_suffix(".py"), *(at / f"{alias.name}.py" for alias in node.names)}
    return {path for path in found if path.is_file()}


def test_machine_code_is_known_by_every_file_that_goes_into_it():
    told = set(jit.sources())
    names = {path.stem for path in told}
    assert {"outcomes", "activity", "gradient", "quantiles", "link_functions", "definitions"} <= names
    own = Path(jit.__file__)  # which also says where it is kept
    assert all(imported(path) <= told for path in told - {own})


def test_another_posterior_in_the_place_of_one_is_not_answered_from_memory(tmp_path):
    path = tmp_path / "learned.nc"
    posterior_files.write(baseline_fit.load(), path)
    scenario = load_scenario(*FEW, posterior=str(path))
    first = simulate.summary(scenario)
    other = baseline_fit.load()
    other["mu"] = other["mu"] + 0.3
    posterior_files.write(other, path)
    assert float(simulate.summary(scenario).projection_mean) != pytest.approx(float(first.projection_mean), abs=0.1)
    path.write_bytes(b"garbage")
    with pytest.raises(Refusal, match="cannot be read"):
        simulate.summary(scenario)


def test_memory_makes_a_thing_once_though_two_ask_at_once():
    memory, made = input_cache.Memory(3), []

    def make():
        time.sleep(0.05)
        made.append(1)
        return "thing"

    threads = [threading.Thread(target=memory.get, args=("key", make)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


def test_memory_lets_go_of_what_was_not_asked_for_the_longest():
    memory = input_cache.Memory(2)
    for key in "abab":
        memory.get(key, lambda key=key: key)
    memory.get("c", lambda: "c")
    assert list(memory.found) == ["b", "c"]


def test_memory_keeps_within_its_room_but_for_the_last():
    memory = input_cache.Memory(10, room=1000)
    for key in range(4):
        memory.get(key, lambda: np.zeros(60))  # 480 bytes each
    assert list(memory.found) == [2, 3]
    memory.get("large", lambda: np.zeros(1000))
    assert list(memory.found) == ["large"]


def test_what_could_not_be_made_is_asked_for_again():
    memory, tries = input_cache.Memory(2), []

    def make():
        tries.append(1)
        if len(tries) == 1:
            raise Refusal("not yet")
        return "now"

    with pytest.raises(Refusal):
        memory.get("key", make)
    assert memory.get("key", make) == "now"


def test_lags_of_many_years_of_announcement_do_not_pile_up():
    base = load_scenario(*FEW)
    for years in np.linspace(0, 4, 60):
        scenario = replace(base, budget=replace(base.budget, announced_years_before=float(years)))
        simulate.summary(scenario)
    programme = input_cache.programme(scenario, input_cache.known(scenario))
    assert len(programme.lags) <= 520
