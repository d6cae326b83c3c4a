"""Blocks: what a worker refuses and keeps of a failure; every task once, few ahead, dead workers survived."""

import importlib.util
import json
import os
import sys
import threading
import time
from dataclasses import replace

import pandas as pd
import planted
import pytest
from test_sweep_run import swept

from oa_sim.errors import Refusal
from oa_sim.simulation.run_manifest import made_by
from oa_sim.sweep import blocks, cases

LOCAL = planted.Engine("local", workers=2)
PROCESSES = planted.Engine("processes", workers=2)
DASK = planted.Engine("dask", workers=2)
needs_dask = pytest.mark.skipif(not importlib.util.find_spec("distributed"), reason="the extra is not installed")


def test_a_refusal_in_the_law_is_kept_in_one_line(tmp_path):
    def law(scenario):
        raise Refusal("a rule:\n got 3: give 4") if scenario.seed == 4 else ValueError("many\nlines" * 200)

    swept(tmp_path, ["seed=3:6"], law=law)
    failed = pd.read_csv(tmp_path / "summary.csv").failed
    assert failed[1] == "a rule: got 3: give 4"
    assert failed.str.len().max() <= blocks.LONGEST_SENTENCE
    assert not failed.str.contains("\n").any()


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("code_hash", "other code"),
        ("versions", "other versions"),
        ("data_hash", "other tables"),
        ("posterior", "other posterior"),
    ],
)
def test_a_worker_of_another_make_stops_the_sweep(key, what):
    made = made_by() | {"data_hash": {}, "posterior": {}}
    cases.identity_of(planted.base(), [], made)
    assert not any(blocks.computed(blocks.Task((0, 1), (planted.base(),), planted.law, json.dumps(made))).failed)
    made[key] = {cases.INSIDE: "0"} if isinstance(made[key], dict) and key != "versions" else {}
    with pytest.raises(Refusal, match=what):
        blocks.computed(blocks.Task((0, 1), (planted.base(),), planted.law, json.dumps(made)))


def doubled(task):
    return 2 * task


def doubled_or_dead(task):
    """Kill the worker that is the first to meet the task 5 or a later one."""
    time.sleep(0.02)
    if task >= 5:
        try:
            os.close(os.open(os.environ["PLANTED_MARK"], os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return 2 * task
        os.kill(os.getpid(), 9)
    return 2 * task


def dead(task):
    os.kill(os.getpid(), 9)


@pytest.mark.parametrize(
    "machine",
    [
        LOCAL,
        replace(LOCAL, workers=0),
        replace(LOCAL, workers=1),
        PROCESSES,
        pytest.param(DASK, marks=[pytest.mark.slow, needs_dask]),
    ],
    ids=str,
)
def test_every_task_is_done_once(machine):
    assert sorted(blocks.each(machine, doubled, iter(range(20)))) == list(range(0, 40, 2))


def test_no_task_is_no_work():
    assert list(blocks.each(LOCAL, doubled, iter(()))) == []


def test_few_tasks_are_ahead_of_a_slow_reader():
    begun = []
    for done, _ in enumerate(blocks.each(LOCAL, doubled, iter(range(40)), begun.append)):
        time.sleep(0.002)
        assert len(begun) - done <= blocks.AHEAD * LOCAL.workers


def test_tasks_are_made_and_told_of_in_the_thread_that_asks():
    here, threads = threading.get_ident(), []

    def tasks():
        for task in range(8):
            threads.append(threading.get_ident())
            yield task

    list(blocks.each(LOCAL, doubled, tasks(), lambda task: threads.append(threading.get_ident())))
    assert set(threads) == {here}


def test_what_goes_wrong_in_the_work_or_in_making_a_task_comes_out():
    def wrong(task):
        raise KeyError(task)

    def tasks():
        yield 1
        raise OSError("planted")

    with pytest.raises(KeyError):
        list(blocks.each(LOCAL, wrong, iter(range(20))))
    with pytest.raises(OSError, match="planted"):
        list(blocks.each(LOCAL, doubled, tasks()))


def test_who_stops_reading_stops_the_work():
    begun = []
    results = blocks.each(LOCAL, doubled, iter(range(1000)), begun.append)
    next(results)
    results.close()
    assert len(begun) <= 2 * blocks.AHEAD * LOCAL.workers


@pytest.mark.parametrize("machine", [PROCESSES, pytest.param(DASK, marks=[pytest.mark.slow, needs_dask])], ids=str)
def test_a_killed_worker_is_survived_and_what_was_done_is_not_done_again(machine, tmp_path, monkeypatch):
    monkeypatch.setenv("PLANTED_MARK", str(tmp_path / "mark"))
    begun, found = [], []
    for result in blocks.each(machine, doubled_or_dead, iter(range(20)), begun.append):
        assert result // 2 in begun
        found.append(result)
    assert (tmp_path / "mark").exists()
    assert sorted(found) == list(range(0, 40, 2))
    again = {task for task in begun if begun.count(task) > 1}
    assert len(again) <= blocks.AHEAD * machine.workers


@pytest.mark.slow
@pytest.mark.parametrize("machine", [PROCESSES, pytest.param(DASK, marks=needs_dask)], ids=str)
def test_workers_that_keep_dying_end_in_one_sentence(machine):
    with pytest.raises(Refusal, match=r"workers in a row died.*engine.workers=1"):
        list(blocks.each(machine, dead, iter(range(4))))


def test_a_cluster_without_its_extra_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(Refusal, match=r'pip install "oa-sim\[cluster\]"'):
        list(blocks.each(DASK, doubled, iter(range(4))))


@needs_dask
@pytest.mark.slow
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nowhere"])
def test_a_scheduler_that_does_not_answer_is_named(address, monkeypatch):
    monkeypatch.setattr(blocks, "PATIENCE", 1)
    with pytest.raises(Refusal, match=f"engine.address={address}"):
        list(blocks.each(replace(DASK, address=address), doubled, iter(range(4))))
    assert daskless()


@needs_dask
@pytest.mark.slow
def test_a_cluster_is_never_what_the_process_uses_by_default():
    results = blocks.each(DASK, doubled, iter(range(4)))
    next(results)
    assert daskless()  # while it is at work, too
    list(results)
    assert daskless()


def daskless():
    """Return whether Dask's settings are those of a process that never had a cluster."""
    import dask

    return dask.config.get("scheduler", None) is None


@needs_dask
@pytest.mark.slow
def test_a_cluster_that_is_there_is_used_and_left_running():
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        there = replace(DASK, address=cluster.scheduler_address)
        assert sorted(blocks.each(there, doubled, iter(range(6)))) == list(range(0, 12, 2))
        assert client.submit(doubled, 4).result() == 8
