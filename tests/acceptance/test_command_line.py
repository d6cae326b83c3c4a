"""The command line: the commands of the README, as a person would type them."""

import json
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from tiny import DRAWS

from oa_sim import __version__, load_scenario
from oa_sim.cli.commands import COMMANDS, overview
from oa_sim.cli.main import main
from oa_sim.inference import baseline_fit, posterior_files

ROOT = Path(__file__).parents[2]
SMALL = ["areas=three_areas", "horizon=5", f"sampler.draws={DRAWS}"]
SMALLER = [*SMALL, "measures=[phonics,neet_16_17]"]
FILES = {
    *("briefing.html", "result.nc", "run.json", "table.csv", "sustainability.csv", "retention.csv"),
    *("money.csv", "pupils_served.csv", "value.csv", "ranking.csv", "uncertainty.csv"),
}
HEAVY = (
    "pymc",
    "pytensor",
    "arviz",
    "arviz_stats",
    "statsforecast",
    "xarray",
    "numpy",
    "pandas",
    "scipy",
    "matplotlib",
)
ONLY_TO_LEARN = {"pymc", "pytensor", "nutpie", "arviz", "statsforecast"}


@pytest.fixture
def outputs(tmp_path, monkeypatch, tiny_posterior):
    """Give a place to write, and few draws in the place of the shipped ones."""
    monkeypatch.setenv("OA_SIM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(baseline_fit, "SHIPPED", tmp_path / "learned.nc")
    posterior_files.write(tiny_posterior, baseline_fit.SHIPPED)
    return tmp_path / "outputs"


def answer(capsys, *words):
    code = main(list(words))
    said = capsys.readouterr()
    return code, said.out, said.err


def folder_of(capsys, outputs, *words):
    code, out, err = answer(capsys, "run", *SMALL, *words, f"outputs={outputs}")
    assert (code, err) == (0, "")
    return Path(out.splitlines()[-1])


@pytest.fixture(scope="module")
def first(tiny_posterior, tmp_path_factory):
    """Give what was printed by one run, and its folder, to those that only look at it."""
    folder, lines = tmp_path_factory.mktemp("first"), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(baseline_fit, "SHIPPED", folder / "learned.nc")
        posterior_files.write(tiny_posterior, baseline_fit.SHIPPED)
        patch.setattr("builtins.print", lambda *parts, **_: lines.extend(map(str, parts)))
        assert main(["run", *SMALL, f"outputs={folder / 'outputs'}"]) == 0
    return Path(lines[-1])


def loaded_by(*words):
    """Return which heavy packages a command line imports."""
    code = f"import sys; from oa_sim.cli.main import main; main({list(words)!r}); print('loaded', *sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    return set(out.splitlines()[-1].split()) & {*HEAVY, *ONLY_TO_LEARN}


@pytest.mark.parametrize("words", [["run", "horizon=x"], ["show"], ["show", "--json"]])
def test_show_loads_nothing_heavy(words):
    assert loaded_by(*words) == set()


def test_a_run_loads_nothing_that_only_learning_needs(tmp_path):
    loaded = loaded_by("run", "areas=Norwich", "horizon=5", "measures=[phonics]", f"outputs={tmp_path}")
    assert "xarray" in loaded
    assert not loaded & ONLY_TO_LEARN - {"arviz"}  # which gives the Monte Carlo errors of the brief


def test_bare_command_prints_the_overview_and_version_the_version(capsys):
    for words in ([], ["--help"], ["-h"], ["help"], ["--json"]):
        assert answer(capsys, *words) == (0, overview(), "")
    assert answer(capsys, "run", "--version") == answer(capsys, "--version") == (0, f"{__version__}\n", "")


TOO_SLOW_FOR_HELP = {*HEAVY, *ONLY_TO_LEARN, "hydra", "omegaconf", "pydantic", "yaml", "argparse", "typing", "json"}


def test_help_imports_no_library_at_all():
    code = "import sys; from oa_sim.cli.main import main; [main(words.split()) for words in {!r}]; print(*sys.modules)"
    words = ["", "--help", "--version", *(f"{verb} --help" for verb in COMMANDS)]
    out = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); " + code.format(words)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "oa_sim.cli.commands" in out.splitlines()[-1].split()
    assert not TOO_SLOW_FOR_HELP & set(out.splitlines()[-1].split())


def test_help_takes_about_as_long_as_an_empty_python(tmp_path):
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    env |= {"PYTHONPYCACHEPREFIX": str(tmp_path)}  # compiled once, as after an installation
    took = {words: [] for words in (("-c", "pass"), ("-m", "oa_sim", "--help"), ("-m", "oa_sim", "sweep", "--help"))}
    for n in range(21):
        for words, seconds in took.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, *words], capture_output=True, check=True, cwd=ROOT, env=env)
            seconds += [time.perf_counter() - began] * (n > 0)
    empty, *helps = map(statistics.median, took.values())
    assert max(helps) <= 3 * empty  # 1.3 to 1.4 on a machine at rest


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["show"], ["show", "--json"], ["completion", "bash"]])
def test_a_reader_that_goes_away_is_no_error(words):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-m", "oa_sim", *words], stdout=writer, stderr=subprocess.PIPE, cwd=ROOT)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_ctrl_c_is_one_sentence_and_leaves_nothing_behind(capsys, outputs, monkeypatch):
    def stop(*given, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr("oa_sim.report.formats.html_pages.brief_page", stop)
    code, out, err = answer(capsys, "run", *SMALLER, f"outputs={outputs}")
    assert (code, out, err) == (130, "", "oa-sim: stopped; nothing unfinished was written\n")
    assert not outputs.exists()


def test_an_error_of_a_machine_readable_answer_is_a_sentence_on_stderr(capsys, outputs):
    code, out, err = answer(capsys, "--json", "run", "horizon=40", f"outputs={outputs}")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("oa-sim: horizon must be 5 to 15")


def test_run_writes_its_files_and_ends_with_the_folder(first):
    assert {path.name for path in first.iterdir()} == FILES
    assert [*first.parts[-3:-1]] == ["outputs", "as_delivered"]
    assert [path.name for path in first.parent.iterdir()] == [first.name]  # nothing half-written beside it


def test_json_answer_is_one_clean_line(capsys, outputs):
    code, out, err = answer(capsys, "run", *SMALLER, f"outputs={outputs}", "--json")
    assert (code, err, out.count("\n")) == (0, "", 1)
    facts = json.loads(out)
    assert Path(facts["folder"]).is_dir()
    assert facts["verdict"] == "PASS"
    assert facts["account_gbp"]["difference"] == 0


def test_run_json_holds_what_makes_a_number_traceable(first):
    facts = json.loads((first / "run.json").read_text())
    assert {"scenario", "seed", "versions", "data_hash", "gates", "run_id", "account_gbp", "headline"} <= set(facts)
    assert facts["scenario"]["horizon"] == 5


def test_same_question_twice_and_areas_in_another_order_give_the_same_files(capsys, outputs):
    areas = ["areas=[Norwich,Blackpool,Oldham]", "areas=[Oldham,Norwich,Blackpool]"]
    tables = []
    for order in (*areas, areas[0]):
        folder = folder_of(capsys, outputs, order, SMALLER[-1])
        tables.append([(folder / name).read_bytes() for name in FILES - {"result.nc", "run.json"}])
    assert tables[0] == tables[1] == tables[2]


def test_a_failed_gate_shows_in_every_output(capsys, outputs, tiny_posterior):
    gates = json.loads(tiny_posterior.attrs["gates"]) | {"verdict": "FAIL", "reason": "bulk ESS is 12, below 400"}
    posterior_files.write(tiny_posterior.assign_attrs(gates=json.dumps(gates)), baseline_fit.SHIPPED)
    code, out, _ = answer(capsys, "run", *SMALLER, f"outputs={outputs}")
    assert code == 0
    failed_everywhere(out)


def test_fewer_draws_than_were_learned_are_judged_anew_and_fail(capsys, tmp_path):
    assert json.loads(baseline_fit.load().attrs["gates"])["verdict"] == "PASS"
    code, out, _ = answer(capsys, "run", *SMALLER, f"outputs={tmp_path}")
    assert code == 0
    failed_everywhere(out)


def failed_everywhere(out):
    folder = Path(out.splitlines()[-1])
    assert "FAIL" in out
    for name in FILES - {"result.nc"}:
        assert "FAIL" in (folder / name).read_text(), name
    assert b"FAIL" in (folder / "result.nc").read_bytes()


def test_a_posterior_of_ones_own_is_used_and_named(capsys, outputs, first, tiny_posterior, tmp_path):
    mine = tmp_path / "it's mine (1).nc"
    posterior_files.write(tiny_posterior.assign(mu=tiny_posterior.mu + 0.1), mine)
    folder = folder_of(capsys, outputs, f"posterior={mine}")
    shipped, own = (json.loads((one / "run.json").read_text()) for one in (first, folder))
    assert own["scenario"]["posterior"] == str(mine)
    assert own["posterior"] != shipped["posterior"]
    assert own["run_id"] != shipped["run_id"]
    assert own["learned"] == shipped["learned"]


def test_dry_run_says_what_would_run_and_writes_nothing(capsys, outputs):
    code, out, _ = answer(capsys, "run", *SMALL, f"outputs={outputs}", "--dry-run", "--json")
    facts = json.loads(out)
    assert code == 0
    assert {"seconds_about", "memory_gb_about", "posterior", "draws"} <= set(facts)
    assert not outputs.exists()


def test_run_m_runs_each_of_a_grid_with_the_numbers_of_single_runs(capsys, outputs):
    grid = ["split=equal,per_pupil", "budget.total_gbp=3e7,6e7"]
    code, out, err = answer(capsys, "run", "-m", *SMALLER, *grid, f"outputs={outputs}")
    assert (code, err) == (0, "")
    apart = [f"split={split} budget.total_gbp={gbp}" for split in ("equal", "per_pupil") for gbp in (3e7, 6e7)]
    assert [line for line in out.splitlines() if line.startswith("split=")] == apart
    folders = [Path(line) for line in out.splitlines() if line.startswith(str(outputs))]
    assert len(set(folders)) == 4
    table = (folders[2] / "table.csv").read_bytes()
    (folders[2] / "table.csv").unlink()
    _, out, _ = answer(capsys, "run", *SMALLER, "split=per_pupil", "budget.total_gbp=3e7", f"outputs={outputs}")
    assert Path(out.splitlines()[-1]) == folders[2]
    assert (folders[2] / "table.csv").read_bytes() == table


def test_run_m_says_what_it_refuses_and_goes_on(capsys, outputs):
    words = ["run", "--multirun", "--json", *SMALL[:2], SMALLER[-1], "sampler.draws=9,20000,20", f"outputs={outputs}"]
    code, out, err = answer(capsys, *words)
    assert (code, err.count("\n"), out.count("\n")) == (2, 2, 1)
    assert err.startswith("oa-sim: sampler.draws=9: sampler.draws must be 10 to")
    first, second, third = json.loads(out)
    assert "sampler.draws must be 10 to" in first["refused"]
    assert "sampler.draws must be at most" in second["refused"]
    assert third["overrides"] == "sampler.draws=20"
    assert (Path(third["folder"]) / "table.csv").is_file()


def test_a_dry_run_of_several_says_each_and_writes_nothing(capsys, outputs):
    code, out, _ = answer(capsys, "run", "-m", *SMALL, "start_year=2026,2027", f"outputs={outputs}", "--dry-run")
    assert code == 0
    assert [line for line in out.splitlines() if line.startswith("start_year=")] == [
        "start_year=2026",
        "start_year=2027",
    ]
    assert "As delivered: 2026/27 to 2030/31, 3 areas" in out
    assert not outputs.exists()


def test_help_lists_what_a_sweep_chooses_apart_from_what_a_scenario_does(capsys):
    _, out, _ = answer(capsys, "run", "--help")
    scenario, sweep = out.split("Of a sweep")
    assert "  split: as_paid, custom, equal" in scenario
    assert "  design: grid, latin_hypercube, list, saltelli, sobol" in sweep
    assert "design:" not in scenario


def test_compare_writes_a_table_and_a_sentence_for_each(capsys, outputs):
    names = ["no_programme", "as_delivered", "hand_over"]
    code, out, err = answer(capsys, "compare", *names, *SMALLER, f"outputs={outputs}")
    assert (code, err) == (0, "")
    folder = Path(out.splitlines()[-1])
    table = pd.read_csv(folder / "compare.csv")
    assert set(table.scenario) == {"as_delivered", "hand_over"}
    assert set(table.reference) == {"no_programme"}
    titles = "\u2018As delivered", "\u2018Handed over to local partners"
    assert sum(line.startswith(titles) for line in out.splitlines()) == 2


def test_a_ledger_is_written_with_a_row_for_each_study(capsys, outputs, known):
    code, out, err = answer(capsys, "evidence", *SMALLER, f"outputs={outputs}")
    assert (code, err) == (0, "")
    folder = Path(out.splitlines()[-1])
    assert folder.parent == outputs / "evidence"
    (synthesis,) = folder.glob("synthesis-*.nc")
    assert {path.name for path in folder.iterdir()} == {
        *("ledger.csv", "headlines.csv", "evidence.json", synthesis.name),
    }
    assert pd.read_csv(folder / "ledger.csv").study.tolist() == sorted(row["study"] for row in known["studies"])
    facts = json.loads((folder / "evidence.json").read_text())
    assert {"headline", "verdict", "run_id", "synthesis", "outside_view", "written"} <= set(facts)
    assert facts["headline"][0] in out
    assert "17 studies" in out


def test_a_ledgers_json_answer_is_one_clean_line(capsys, outputs):
    code, out, err = answer(capsys, "evidence", *SMALLER, f"outputs={outputs}", "--json")
    assert (code, err, out.count("\n")) == (0, "", 1)
    facts = json.loads(out)
    assert Path(facts["folder"]).is_dir()
    assert facts["verdict"] == "PASS"


WRONG = {
    "a key with a typing error": ["run", "horizn=10"],
    "a flag that is unknown": ["run", "--jsn"],
    "a verb that is unknown": ["rum"],
    "an override without a value": ["run", "horizon"],
    "a wrong type": ["run", "horizon=ten"],
    "a horizon of forty": ["run", "horizon=40"],
    "a negative budget": ["run", "budget.total_gbp=-1"],
    "shares of 1.4": ["run", "portfolio=custom", "portfolio.shares={early_language: 0.7, maths_mastery: 0.7}"],
    "an unknown intervention": ["run", "portfolio=custom", "portfolio.shares={early_langauge: 1.0}"],
    "an unknown area": ["run", "areas=[Norwhich]"],
    "an area twice": ["run", "areas=[Norwich,norwich]"],
    "no area": ["run", "areas=[]"],
    "an unknown scenario": ["run", "scenario=as_deliverd"],
    "an unknown split": ["run", "split=per_pupils"],
    "a custom split without shares": ["run", "split=custom"],
    "too few draws to be anything": ["run", "sampler.draws=1"],
    "more draws than were learned": ["run", "sampler.draws=20000"],
    "a posterior that is not there": ["run", "posterior=nowhere.nc"],
    "a posterior that is a folder": ["run", "posterior=."],
    "a key that only learning takes": ["run", "sampler.tune=300"],
    "an unknown measure": ["run", "measures=[ks2]"],
    "a start before the figures": ["run", "start_year=2018"],
    "a folder of tables that is not there": ["run", "data_folder=/nowhere"],
    "a file in the way of the outputs": ["run", "outputs=/dev/null/here"],
    "a folder that takes no file": ["run", "outputs=/proc/oa_sim"],
    "a seed below zero": ["show", "seed=-1"],
    "brackets left open": ["show", "areas=[Norwich"],
    "one scenario to compare": ["compare", "as_delivered"],
    "a scenario against itself": ["compare", "hand_over", "hand_over"],
    "a dry run of show": ["show", "--dry-run"],
    "several scenarios to show": ["show", "-m", "split=equal,per_pupil"],
    "several runs of one scenario": ["run", "-m", "horizon=10"],
    "several runs with a typing error": ["run", "-m", "horizn=10,11"],
    "several runs of an unknown split": ["run", "-m", "split=equal,per_pupils"],
    "several runs of a sampled design": ["run", "-m", "design=sobol", "budget.total_gbp=interval(1e7,2e7)"],
    "several runs of an interval": ["run", "-m", "budget.total_gbp=interval(1e7,2e7)"],
    "several splits without -m": ["run", "split=equal,per_pupil"],
    "a name that is a path": ["run", "name=../elsewhere"],
    "a name too long for a folder": ["run", f"name={'a' * 300}"],
    "a folder's name too long for the disk": ["run", f"outputs={'a' * 300}"],
    "a handing over to nobody": ["run", "sustainability.ending=hand_over"],
    "a study type that no study has": ["run", "interventions.early_language.study_type=tutorng"],
    "a kept share of nothing": ["run", "evidence.kept_from_efficacy={dist: Uniform, a: 0, b: 0}"],
    "an unknown study to leave out": ["run", "evidence.without=[Magic Brekfast trial]"],
    "a study left out twice": ["run", "evidence.without=[Phonics strand, Phonics strand]"],
    "an outside view without a width": ["run", "evidence.outside_view.scale=0"],
    "an outside view that is neither on nor off": ["run", "evidence.outside_view.is_on=perhaps"],
    "a ledger with a typing error": ["evidence", "horizn=10"],
    "a ledger of an unknown scenario": ["evidence", "scenario=as_deliverd"],
    "a ledger without an unknown study": ["evidence", "evidence.without=[Magic Brekfast trial]"],
    "a dry run of a ledger": ["evidence", "--dry-run"],
    "outputs that take no file, after a ledger": ["evidence", "outputs=/proc/oa_sim"],
    "nothing to learn from": ["fit"],
    "a panel that is not there": ["fit", "panel.path=nowhere.csv"],
    "a panel that is an empty folder": ["fit", "panel.path=."],
    "a panel's key with a typing error": ["fit", "panel.pth=panel.csv"],
    "a panel's file without its key": ["fit", "panel.csv"],
    "a key that only a run takes": ["fit", "panel.path=panel.csv", "horizon=10"],
    "later figures to learn from": ["fit", "panel.path=panel.csv", "panel.actuals=later.csv"],
    "an academic year to learn until": ["fit", "panel.path=panel.csv", "panel.train_until=2018/19"],
    "a sampler that is not one": ["fit", "panel.path=panel.csv", "sampler.backend=stan"],
    "a dry run of fit": ["fit", "panel.path=panel.csv", "--dry-run"],
    "outputs that take no file, after a fit": ["fit", "panel.path=panel.csv", "outputs=/proc/oa_sim"],
    "nothing to backtest": ["backtest"],
    "a backtest without a year": ["backtest", "panel.path=panel.csv", "panel.actuals=later.csv"],
    "a backtest without later figures": ["backtest", "panel.path=panel.csv", "panel.train_until=2019"],
    "a backtest of a file that is not there": [
        *("backtest", "panel.path=nowhere.csv", "panel.train_until=2019", "panel.actuals=later.csv"),
    ],
    "a backtest with a typing error": ["backtest", "panel.path=panel.csv", "panel.train_untl=2019"],
}


@pytest.mark.parametrize("words", WRONG.values(), ids=WRONG)
def test_a_bad_request_gets_one_sentence_and_leaves_nothing_behind(capsys, outputs, words, monkeypatch, tmp_path):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    code, out, err = answer(capsys, *words)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert not list(here.iterdir())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["fit", "panl.path=panel.csv"], "did you mean 'panel'?"),
        (["fit", "panel.pth=panel.csv"], "did you mean 'panel.path'?"),
        (["fit", "panel.path=panel.csv", "sampler.drws=100"], "did you mean 'sampler.draws'?"),
        (["fit", "panel.path=panel.csv", "panel.actuals=later.csv"], "panel.actuals goes with backtest"),
        (["fit", "panel.path=nowhere.csv"], "nowhere.csv"),
        (["backtest", "panel.path=panel.csv", "panel.train_untl=2019"], "did you mean 'panel.train_until'?"),
        (["backtest", "panel.path=panel.csv", "panel.train_until=2019"], "add panel.actuals=FILE"),
        (["backtest", "panel.path=panel.csv", "panel.actuals=later.csv"], "add panel.train_until=YEAR"),
        (["run", "evidence.without=[Magic Brekfast trial]"], "did you mean 'Magic Breakfast trial'?"),
        (["evidence", "evidence.without=[Phonics]"], "did you mean 'Phonics strand'?"),
        (["evidence", "--dry-run"], "--dry-run goes with run, compare and sweep"),
        (["run", "posterior=nowhere.nc"], "nowhere.nc: there is no such fitted posterior"),
        (["run", "sampler.draws=20000"], "sampler.draws must be at most 500"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else "",
)
def test_what_is_wrong_with_learning_is_said_with_its_remedy(capsys, words, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = answer(capsys, *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert says in err


def test_a_damaged_posterior_is_refused_with_its_path(capsys, outputs):
    path = baseline_fit.SHIPPED
    whole = path.read_bytes()
    forged = whole.replace(b'"verdict": "PASS"', b'"verdict": "PASs"')
    assert forged != whole
    for damage in (whole[: len(whole) // 2], b"not a posterior", b"", forged):
        path.write_bytes(damage)
        code, out, err = answer(capsys, "run", *SMALLER, f"outputs={outputs}")
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert str(path) in err
        assert not outputs.exists()


def test_a_disk_without_room_is_refused_before_it_fills(capsys, outputs, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000})())
    code, _, err = answer(capsys, "run", *SMALLER, f"outputs={outputs}")
    assert (code, err.count("\n")) == (2, 1)
    assert not outputs.exists()


@pytest.mark.parametrize("name", ["été", "a b", "a#b", "a(1)", "a=b", "it's"])
def test_folders_may_have_the_names_that_folders_have(name):
    assert load_scenario(f"outputs={name}").outputs == name


def test_money_too_small_to_matter_is_said_in_words(capsys, outputs):
    code, out, _ = answer(capsys, "run", *SMALLER, "areas=Norwich", "budget.total_gbp=10", f"outputs={outputs}")
    assert code == 0
    assert "£10" in out
    assert "nan" not in out


def test_a_run_that_dies_while_writing_leaves_nothing_behind(capsys, outputs, monkeypatch):
    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("oa_sim.report.formats.html_pages.brief_page", fail)
    code, _, err = answer(capsys, "run", *SMALLER, f"outputs={outputs}")
    assert (code, err.count("\n")) == (2, 1)
    assert "No space left" in err
    assert not outputs.exists()


def test_ci_runs_the_commands_of_the_readme():
    readme, ci = (ROOT / "README.md").read_text(), (ROOT / ".ci" / "run").read_text().splitlines()
    commands = [block.strip() for block in re.findall(r"```sh\n(.*?)```", readme, flags=re.DOTALL)[:2]]
    assert all(command in ci for command in commands)


@pytest.mark.slow
def test_a_first_run_passes_its_gates_and_two_processes_agree(tmp_path):
    tables = []
    for n in range(2):  # each process compiles for itself
        words = ["run", f"outputs={tmp_path / str(n)}", "areas=three_areas", "horizon=5", "--json"]
        env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / f"compiled{n}")}
        out = subprocess.run(
            [sys.executable, "-m", "oa_sim", *words], capture_output=True, text=True, env=env, check=True
        )
        facts = json.loads(out.stdout)
        assert facts["verdict"] == "PASS", facts["gates"]
        tables.append((Path(facts["folder"]) / "table.csv").read_bytes())
    assert tables[0] == tables[1]
