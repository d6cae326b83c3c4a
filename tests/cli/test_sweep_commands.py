"""The verbs of a sweep at the command line: sweep, resume, extend."""

import json
import re
import shlex

import pandas as pd
import planted
import pytest

from oa_sim.cli.main import main
from oa_sim.sweep import blocks, sweep_run


def swept(folder, words, **how):
    with planted.space():
        return sweep_run.sweep(words, planted.Sweeping(**how), folder, law=planted.law)


@pytest.fixture
def command(monkeypatch, capsys):
    """Give the command line, with the planted law and space behind it."""
    from oa_sim.scenario import load

    monkeypatch.setattr(load, "load_sweeping", planted.load_sweeping, raising=False)
    monkeypatch.setattr(blocks, "default_law", lambda: planted.law)

    def answer(*words):
        code = main(list(map(str, words)))
        said = capsys.readouterr()
        return code, said.out, said.err

    with planted.space():
        yield answer


def test_the_verbs_answer_and_end_with_the_folder(command, tmp_path):
    folder = tmp_path / "sweep"
    code, out, err = command("sweep", "seed=3:23", "--out", folder)
    assert (code, err, out.splitlines()[-1]) == (0, "", str(folder))
    assert "failed: 1" in out
    assert "[FAIL]" in out
    code, out, _ = command("resume", folder, "--json")
    assert json.loads(out)["computed"] == 0
    code, out, _ = command("extend", folder, "+seed=20:25", "engine=local", f"--out={folder}")
    assert code == 2
    code, out, _ = command("extend", folder, "+seed=20:25", "engine=local", "--json")
    assert json.loads(out)["added"] == 2


def test_where_every_scenario_fails_the_answer_is_the_first_sentence_and_the_work_stays(command, tmp_path):
    code, out, err = command("sweep", "horizon=1:4", "--out", tmp_path / "sweep")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert re.search(r"all 3 scenarios failed.*horizon must be 5 to 15 years.*summary.csv", err)
    assert pd.read_csv(tmp_path / "sweep" / "summary.csv").failed.notna().all()
    assert command("resume", tmp_path / "sweep")[0] == 2
    assert command("extend", tmp_path / "sweep", "horizon=6")[0] == 0


def test_resuming_with_fewer_workers_keeps_the_kind_of_engine(command, tmp_path, monkeypatch):
    seen, real = [], sweep_run._go
    monkeypatch.setattr(sweep_run, "_go", lambda *given: seen.append(given[4]) or real(*given))
    swept(tmp_path / "sweep", ["seed=3:5"], engine=planted.Engine("processes", 2))
    assert command("resume", tmp_path / "sweep", "engine.workers=1")[0] == 0
    assert command("resume", tmp_path / "sweep", "engine=local", "engine.workers=1")[0] == 0
    assert [(machine.kind, machine.workers) for machine in seen[1:]] == [("processes", 1), ("local", 1)]


def test_the_recorded_engine_is_said_in_words_that_the_real_command_reads(tmp_path):
    from oa_sim.cli import sweep_commands
    from oa_sim.scenario.load import load_sweeping

    swept(tmp_path, ["seed=3:5"], engine=planted.Engine("local", 2))
    about = json.loads((tmp_path / "sweep.json").read_text())
    about["engine"] = {"kind": "dask", "workers": 3, "address": "tcp://10.0.0.1:8786"}
    (tmp_path / "sweep.json").write_text(json.dumps(about))
    found, rest = load_sweeping(sweep_commands.words_with_engine(str(tmp_path), ["engine.workers=1"]))
    assert (found.engine.kind, found.engine.workers, found.engine.address) == ("dask", 1, "tcp://10.0.0.1:8786")
    assert rest == []


def test_a_folder_with_a_sign_or_a_space_is_taken_and_printed_as_a_shell_takes_it(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a=b", "my sweep"):
        assert command("sweep", "seed=3:5", "--out", name)[0] == 0
        code, _, err = command("sweep", "seed=3:5", "--out", name)
        assert f"oa-sim resume {shlex.quote(name)}" in err
        assert code == 2
        assert command("resume", name)[0] == 0
        _, _, err = command("resume", name, "seed=4,5")
        assert f"oa-sim extend {shlex.quote(name)} seed=4,5" in err


def test_failing_fast_ends_with_2_and_the_sentence(command, tmp_path):
    code, out, err = command("sweep", "seed=3:23", "--fail-fast", f"--out={tmp_path / 'sweep'}")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "planted" in err


def test_a_dry_run_says_how_much_and_writes_nothing(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = command("sweep", "seed=3:23", "horizon=4:7", "--dry-run", "--json", "--out", tmp_path / "sweep")
    facts = json.loads(out)
    assert (code, facts["scenarios"], facts["refused"], facts["varied"]) == (0, 60, 20, ["seed", "horizon"])
    assert min(facts[key] for key in ("seconds_each", "memory_gb_about")) > 0
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["sweep", "seed=3:23"], "add --out DIR"),
        (["sweep", "seed=3:23", "--out"], "--out needs a folder"),
        (["sweep", "seed=3:23", "--out", "a", "--out=b"], "got --out 2 times, a first"),
        (["sweep", "--fail-fats"], "did you mean '--fail-fast'"),
        (["resume"], "needs the folder of a sweep"),
        (["resume", "seed=3:23"], "needs the folder of a sweep"),
        (["resume", "DIR", "seed=3:23"], "write oa-sim extend DIR seed=3:23"),
        (["extend", "DIR", "block=8"], "block is fixed when a sweep begins"),
        (["extend", "DIR", "--dry-run"], "--dry-run goes with run, compare and sweep, got extend"),
        (["resume", "DIR", "--out", "b"], "--out goes with sweep, got resume"),
        (["sweep", "seed=3:23", "--out="], "--out needs a folder"),
        (["resume", "DIR", "block=8"], "block is fixed when a sweep begins"),
    ],
)
def test_what_a_command_cannot_honour_is_one_sentence(words, what, command):
    code, out, err = command(*words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert what in err


def test_ctrl_c_keeps_what_is_finished_and_gives_the_command_that_resumes(command, tmp_path, monkeypatch):
    def stop(*given, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr(sweep_run, "sweep", stop)
    code, out, err = command("sweep", "seed=3:5", "--out", tmp_path / "my sweep")
    assert (code, out) == (130, "")
    folder = shlex.quote(str(tmp_path / "my sweep"))
    assert err == f"oa-sim: stopped; finished scenarios are kept, resume with oa-sim resume {folder}\n"
