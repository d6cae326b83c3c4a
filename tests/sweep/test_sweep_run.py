"""Sweep: each scenario once, whatever happens on the way; one sentence where it cannot go on, and nothing lost."""

import errno
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import planted
import pytest
from test_store import bytes_of, opened

from oa_sim.errors import Refusal
from oa_sim.inputs import tables
from oa_sim.rng import stream
from oa_sim.simulation import run_manifest
from oa_sim.sweep import cases, store, sweep_run
from oa_sim.sweep import journal as sweep_journal

HERE = Path(__file__).parents[1]
WORDS = ["seed=3:23"]  # twenty scenarios in five blocks; seed 13 fails
CHUNK = Path("store.zarr", "impact", "c", "1", "0", "0", "0", "0", "0")
needs_dask = pytest.mark.skipif(not importlib.util.find_spec("distributed"), reason="the extra is not installed")


def swept(folder, words=WORDS, *, law=planted.law, **how):
    with planted.space():
        return sweep_run.sweep(words, planted.Sweeping(**how), folder, law=law)


def resumed(folder, *, law=planted.law, **how):
    with planted.space():
        return sweep_run.resume(folder, law=law, **how)


def extended(folder, words, *, law=planted.law, **how):
    with planted.space():
        return sweep_run.extend(folder, words, planted.Sweeping(**how), law=law)


def planned(words, law, **how):
    with planted.space():
        return sweep_run.plan(words, planted.Sweeping(**how), law=law)


def of_record(folder):
    """Give what is reproducible of a sweep: all but the journal and the lock."""
    return {
        name: text for name, text in bytes_of(folder).items() if name not in (sweep_journal.JOURNAL, sweep_journal.LOCK)
    }


def journal(folder):
    return [json.loads(line) for line in (folder / sweep_journal.JOURNAL).read_text().splitlines()]


def begun_after_done(folder):
    """Give the blocks that were begun again although they were finished."""
    done, again = set(), set()
    for line in journal(folder):
        block = tuple(line["block"])
        again |= {block} & done if line["event"] == "started" else set()
        done |= {block} if line["event"] == "finished" else set()
    return again


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed") / "sweep"
    return folder, swept(folder)


def test_every_scenario_stands_in_the_store_with_what_was_varied(undisturbed):
    folder, found = undisturbed
    assert found == {"scenarios": 20, "failed": 1, "in_doubt": 3, "computed": 20, "folder": str(folder)}
    data = opened(folder)
    assert data.seed.values.tolist() == list(range(3, 23))
    assert "seed" in data.coords
    for i, scenario in enumerate(planted.scenarios(planted.expand(WORDS, None))):
        if scenario.seed == 13:
            assert data.impact.sel(scenario=i).isnull().all()
            assert str(data.failed.values[i]) == "ZeroDivisionError: planted"
        else:
            alone = planted.law(scenario)
            np.testing.assert_array_equal(data.impact.sel(scenario=i).values, alone.impact.values)
            assert data.headline.values[i] == alone.headline.values
            assert (str(data.run_id.values[i]), str(data.failed.values[i])) == (alone.attrs["run_id"], "")


def test_the_tables_have_a_row_for_each_scenario_in_order_and_agree(undisturbed):
    folder, _ = undisturbed
    text = pd.read_csv(folder / "summary.csv", dtype={"run_id": str}, keep_default_na=False)
    packed = pd.read_parquet(folder / "summary.parquet")
    named = ["scenario", "seed", "headline", "run_id", "verdict", "n_draws", "failed", "identity"]
    assert list(text) == list(packed) == named
    assert text.identity.nunique() == 20
    assert text.scenario.tolist() == packed.scenario.tolist() == list(range(20))
    assert packed.headline.dtype == np.float32
    assert packed.headline[0] == np.float32(3.1)
    assert text.headline[0] == "3.1"
    assert set(text.verdict) == {"PASS", "[FAIL]", ""}
    assert packed.n_draws.dropna().unique().tolist() == [40]


def test_the_record_says_what_was_asked_and_what_made_it_and_no_time(undisturbed):
    folder, _ = undisturbed
    about = json.loads((folder / "sweep.json").read_text())
    assert (about["words"], about["keys"], about["n"], about["format"]) == (WORDS, ["seed"], 20, sweep_journal.FORMAT)
    assert about["code_hash"] == run_manifest.code_hash()
    assert list(about["data_hash"].values()) == [tables.data_hash()]
    assert not re.search(r"20\d\d-\d\d-\d\d|\d\d:\d\d", (folder / "sweep.json").read_text())


def test_the_same_sweep_is_the_same_bytes_whatever_the_number_of_workers(undisturbed, tmp_path):
    folder, _ = undisturbed
    swept(tmp_path / "one", engine=planted.Engine(workers=1))
    mine, theirs = of_record(tmp_path / "one"), of_record(folder)
    assert {name: text for name, text in mine.items() if name != "sweep.json"} == {
        name: text for name, text in theirs.items() if name != "sweep.json"
    }


def test_scenarios_with_other_areas_and_years_stand_side_by_side(tmp_path):
    swept(tmp_path, ["area=0:2", "horizon=5:8"])
    data = opened(tmp_path)
    assert data.place.values.tolist() == ["Blackpool", "Norwich", "Oldham", "mean of areas"]
    assert data.year.values.tolist() == list(range(2026, 2033))
    norwich = data.impact.sel(place="Norwich", group="all", measure="phonics", statistic="mean")
    for i, row in enumerate(zip(data.area.values, data.horizon.values, strict=True)):
        assert int(norwich[i].notnull().sum()) == (row[1] if row[0] == 0 else 0)


def test_a_sweep_in_which_every_scenario_fails_says_so_and_can_be_made_longer(tmp_path):
    found = swept(tmp_path, ["horizon=1:4"])
    assert (found["failed"], found["scenarios"]) == (3, 3)
    failed = pd.read_csv(tmp_path / "summary.csv").failed
    assert failed.str.contains("horizon must be 5 to 15 years").all()
    assert opened(tmp_path).failed.values.tolist() == failed.tolist()
    found = extended(tmp_path, ["horizon=4:6"])
    assert (found["failed"], found["scenarios"], found["computed"]) == (4, 5, 2)
    assert opened(tmp_path).impact.sel(scenario=4).notnull().any()


def test_the_first_blocks_may_fail_whole(tmp_path):
    swept(tmp_path / "a", ["horizon=-4:8"], block=2)
    swept(tmp_path / "b", ["horizon=-4:8"], block=2, engine=planted.Engine(workers=1))
    assert opened(tmp_path / "a").impact.notnull().any("year").sum("scenario").max() == 3
    store_a, store_b = (bytes_of(tmp_path / name / "store.zarr") for name in "ab")
    assert store_a == store_b


def test_failing_fast_stops_with_the_sentence_and_keeps_what_is_finished(tmp_path, undisturbed):
    with pytest.raises(Refusal, match=r"scenario 10 failed.*resume.*ZeroDivisionError: planted"):
        swept(tmp_path, fail_fast=True, engine=planted.Engine(workers=1))
    done = {tuple(line["block"]) for line in journal(tmp_path) if line["event"] == "finished"}
    assert {(0, 4), (4, 8), (8, 12)} <= done  # the one that failed too, with the good ones beside it
    found = resumed(tmp_path)  # without being told again, it goes on
    assert (found["computed"], found["failed"]) == (20 - 4 * len(done), 1)
    assert bytes_of(tmp_path / "store.zarr") == bytes_of(undisturbed[0] / "store.zarr")
    assert not begun_after_done(tmp_path)


def test_resuming_may_fail_fast_at_the_next_failure(tmp_path):
    def law(scenario):
        if scenario.seed in (4, 9):
            raise ValueError(f"planted {scenario.seed}")
        return planted.law(scenario)

    one = planted.Engine(workers=1)
    with pytest.raises(Refusal, match="planted 4"):
        swept(tmp_path, ["seed=3:12"], law=law, fail_fast=True, engine=one)
    with pytest.raises(Refusal, match="planted 9"):
        resumed(tmp_path, law=law, engine=one, fail_fast=True)
    assert resumed(tmp_path, law=law, fail_fast=True)["failed"] == 2


def test_failing_fast_does_not_wait_for_one_that_succeeds(tmp_path):
    with pytest.raises(Refusal, match=r"scenario \d failed"):  # which of those begun is heard of first is chance
        swept(tmp_path, ["horizon=-30:5"], block=2, fail_fast=True, engine=planted.Engine(workers=1))
    assert len(journal(tmp_path)) < 10


@pytest.fixture
def spelt(monkeypatch):
    """Give a space in which even and odd spellings of a number make one scenario, and what was computed."""
    real, seen = planted.scenarios, []

    def scenarios(found):
        halved = [tuple(value // 2 if key == "seed" else value for key, value in zip(found.keys, row, strict=True))
                  for row in found.values]  # fmt: skip
        return real(replace(found, values=halved))

    def law(scenario):
        seen.append(scenario.seed)
        return planted.law(scenario)

    monkeypatch.setattr(planted, "scenarios", scenarios)
    return law, seen


@pytest.mark.parametrize("block", [1, 3, 4])
def test_a_scenario_that_stands_twice_is_computed_once_and_copied(block, spelt, tmp_path):
    law, seen = spelt
    found = swept(tmp_path / "twice", ["area=0:2", "seed=22:30"], law=law, block=block)  # seeds 11 to 14; 13 fails
    assert sorted(seen) == sorted(2 * [11, 12, 13, 14])
    assert (found["scenarios"], found["computed"], found["copied"], found["failed"]) == (16, 8, 8, 4)
    data = opened(tmp_path / "twice")
    for i in range(0, 16, 2):
        for name in ("impact", "worth", "headline", "run_id", "failed"):
            np.testing.assert_array_equal(data[name].values[i], data[name].values[i + 1])
    assert int(data.impact.notnull().any(data.impact.dims[1:]).sum()) == 12


def test_copies_are_the_same_bytes_however_it_is_interrupted(spelt, tmp_path):
    law, _ = spelt
    words = ["seed=22:61"]

    def stops(scenario):
        if scenario.seed == 25:
            raise OSError(errno.ENOSPC, "No space left on device")
        return law(scenario)

    swept(tmp_path / "whole", words, law=law)
    with pytest.raises(Refusal, match="full"):
        swept(tmp_path / "stopped", words, law=stops)
    resumed(tmp_path / "stopped", law=law)
    assert of_record(tmp_path / "stopped") == of_record(tmp_path / "whole")
    (tmp_path / "stopped" / CHUNK).unlink()
    resumed(tmp_path / "stopped", law=law)
    assert of_record(tmp_path / "stopped") == of_record(tmp_path / "whole")


def test_a_finished_sweep_is_not_computed_again(undisturbed):
    folder, _ = undisturbed
    before = of_record(folder)
    assert resumed(folder, law=planted.always_deadly_law)["computed"] == 0
    assert of_record(folder) == before


def test_a_full_disk_is_one_sentence_and_the_rest_goes_on_from_there(broken, undisturbed):
    assert not [*broken.rglob("*.part*")]
    done = sum(line["event"] == "finished" for line in journal(broken))
    assert 0 < done < 5
    assert resumed(broken)["computed"] == 20 - 4 * done
    assert bytes_of(broken / "store.zarr") == bytes_of(undisturbed[0] / "store.zarr")
    assert not begun_after_done(broken)


@pytest.mark.parametrize("where", ["write_file", "write", "note", "create"])
def test_a_disk_that_fills_while_anything_is_written_loses_nothing(where, tmp_path, monkeypatch, undisturbed):
    at = store if where in ("write", "create") else sweep_journal
    real, calls = getattr(at, where), []

    def full(*given, **named):
        calls.append(given)
        if len(calls) == (1 if where == "create" else 3):
            raise OSError(errno.EDQUOT, "Disk quota exceeded")
        return real(*given, **named)

    monkeypatch.setattr(at, where, full)
    with pytest.raises(Refusal, match=r"full.*oa-sim resume"):
        swept(tmp_path)
    monkeypatch.undo()
    resumed(tmp_path)
    assert of_record(tmp_path) == of_record(undisturbed[0])
    assert not begun_after_done(tmp_path)


def test_a_chunk_or_a_mark_that_is_gone_is_made_again(tmp_path, undisturbed):
    swept(tmp_path)
    (tmp_path / "store.zarr" / "impact" / "c" / "1" / "0" / "0" / "0" / "0" / "0").unlink()
    (tmp_path / "blocks" / "00000008-00000012.json").write_text("{")
    assert resumed(tmp_path)["computed"] == 8
    assert of_record(tmp_path) == of_record(undisturbed[0])


@pytest.mark.parametrize("damage", ["cut short", "one bit", "zeros", "empty"])
def test_a_chunk_that_is_damaged_is_noticed_and_made_again(damage, tmp_path, undisturbed):
    swept(tmp_path)
    text = (tmp_path / CHUNK).read_bytes()
    half = len(text) // 2
    flipped = text[:half] + bytes([text[half] ^ 1]) + text[half + 1 :]
    damaged = {"cut short": text[:100], "one bit": flipped, "zeros": bytes(len(text)), "empty": b""}[damage]
    (tmp_path / CHUNK).write_bytes(damaged)
    assert resumed(tmp_path)["computed"] == 4
    assert of_record(tmp_path) == of_record(undisturbed[0])


def test_a_damaged_chunk_of_two_blocks_is_made_again_whole_even_if_stopped_between(tmp_path):
    swept(tmp_path, ["seed=3:8"])  # five in blocks of two: the last block is half a chunk
    extended(tmp_path, ["seed=20:22"])
    before = of_record(tmp_path)
    chunk = tmp_path / "store.zarr" / "impact" / "c" / "2" / "0" / "0" / "0" / "0" / "0"
    chunk.write_bytes(chunk.read_bytes()[:100])

    def law(scenario):
        if scenario.seed == 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        return planted.law(scenario)

    with pytest.raises(Refusal, match="full"):
        resumed(tmp_path, law=law, engine=planted.Engine(workers=1))
    resumed(tmp_path)
    assert of_record(tmp_path) == before


@pytest.mark.parametrize("text", ["null", "[1, 2, 3, 4]", "7", '[{"failed": ""}, {}, {}, {}]', "{"])
def test_a_mark_that_says_nothing_is_no_mark(text, tmp_path, undisturbed):
    swept(tmp_path)
    (tmp_path / "blocks" / "00000008-00000012.json").write_text(text)
    assert resumed(tmp_path)["computed"] == 4
    assert of_record(tmp_path) == of_record(undisturbed[0])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("zarr.json", "broken"),
        ("zarr.json", None),
        ("zarr.json", "null"),
        ("impact/zarr.json", "{}"),
        ("place/zarr.json", None),
        ("place/c/0", "broken"),
    ],
)
def test_a_store_that_cannot_be_read_is_refused_and_left_alone(name, text, tmp_path):
    swept(tmp_path)
    if text is None:
        (tmp_path / "store.zarr" / name).unlink()
    else:
        (tmp_path / "store.zarr" / name).write_text(text)
    before = of_record(tmp_path)
    for again in (lambda: resumed(tmp_path), lambda: extended(tmp_path, ["seed=30:33"])):
        with pytest.raises(Refusal, match=r"store.zarr cannot be read .*put it back.*or move store.zarr away"):
            again()
        assert {name: of_record(tmp_path)[name] for name in before if "store" in name} == {
            name: text for name, text in before.items() if "store" in name
        }


def test_a_store_that_was_moved_away_is_computed_again(tmp_path, undisturbed):
    swept(tmp_path / "sweep")
    (tmp_path / "sweep" / "store.zarr").rename(tmp_path / "away")
    assert resumed(tmp_path / "sweep")["computed"] == 20
    assert of_record(tmp_path / "sweep") == of_record(undisturbed[0])


def test_what_a_dead_process_left_half_written_is_taken_away(broken):
    (broken / "store.zarr" / "impact" / "c.123.partial").write_text("half")
    (broken / "summary.csv.part").write_text("half")
    with (broken / "journal.jsonl").open("a") as file:
        file.write('{"at": 1')
    resumed(broken)
    assert not [*broken.rglob("*.part*")]
    assert all(journal(broken))


def test_a_sweep_that_died_before_it_began_can_be_begun_again(tmp_path, undisturbed):
    for name in ("lock", "scenarios.jsonl", "sweep.json.part"):
        (tmp_path / name).write_text("half")
    swept(tmp_path)
    assert {**of_record(tmp_path)} == of_record(undisturbed[0])


def test_an_extension_adds_what_is_new_and_leaves_the_rest(tmp_path, undisturbed):
    swept(tmp_path)
    before = opened(tmp_path)
    found = extended(tmp_path, ["+seed=20:30"], law=planted.law)
    assert (found["added"], found["computed"], found["scenarios"]) == (7, 7, 27)
    after = opened(tmp_path)
    assert after.isel(scenario=slice(20)).drop_vars("n_draws").identical(before.drop_vars("n_draws"))
    assert after.seed.values.tolist() == [*range(3, 23), *range(23, 30)]
    assert not begun_after_done(tmp_path)
    whole = tmp_path.parent / f"{tmp_path.name}-whole"
    swept(whole, ["seed=3:30"])
    assert bytes_of(whole / "store.zarr") == bytes_of(tmp_path / "store.zarr")


def test_an_extension_with_nothing_new_computes_nothing(tmp_path):
    swept(tmp_path)
    before = of_record(tmp_path)
    found = extended(tmp_path, ["seed=5:9"], law=planted.always_deadly_law)
    assert (found["added"], found["computed"]) == (0, 0)
    assert of_record(tmp_path) == before


def test_an_extension_by_another_key_fills_its_column_for_those_before(tmp_path):
    swept(tmp_path, ["horizon=7", "seed=3:6"])
    extended(tmp_path, ["horizon=5:8", "seed=9"])
    table = pd.read_csv(tmp_path / "summary.csv")
    assert table.horizon.tolist() == [7, 7, 7, 5, 6, 7]
    assert table.seed.tolist() == [3, 4, 5, 9, 9, 9]
    extended(tmp_path, ["area=0:1", "seed=30"])  # a choice that has no number: what was typed, nothing elsewhere
    assert pd.read_csv(tmp_path / "summary.csv").area.isna().tolist() == [True] * 6 + [False]


def test_an_extension_may_be_one_scenario_and_has_a_column_of_its_own(tmp_path):
    swept(tmp_path, ["horizon=5:7"])
    found = extended(tmp_path, ["+seed=9"])
    assert (found["added"], found["computed"]) == (1, 1)
    table = pd.read_csv(tmp_path / "summary.csv")
    assert table.horizon.tolist() == [5, 6, 5]
    assert table.seed.tolist() == [planted.base().seed] * 2 + [9]
    assert extended(tmp_path, ["seed=9"])["added"] == 0
    with pytest.raises(Refusal, match="which scenarios are added, got none"):
        extended(tmp_path, [])


def test_a_real_extension_may_be_one_choice():
    from oa_sim.scenario.sweep_settings import Design
    from oa_sim.sweep import cases as case_list
    from oa_sim.sweep import expand

    found = expand.expand(["horizon=5", "split=per_pupil"], Design(), may_be_one=True)
    found = case_list.with_typed(found, ["split=per_pupil", "horizon=5"])
    assert (found.fixed, found.keys, found.values) == ((), ("horizon", "split"), [(5, "per_pupil")])


def test_a_death_while_the_store_grows_is_survived(tmp_path, monkeypatch):
    def full(path):
        raise OSError(errno.ENOSPC, "No space left on device")

    swept(tmp_path / "grown")
    monkeypatch.setattr(store, "_consolidate", full)
    with pytest.raises(Refusal, match="full"):
        extended(tmp_path / "grown", ["seed=23:30"])
    monkeypatch.undo()
    assert resumed(tmp_path / "grown")["computed"] == 7
    swept(tmp_path / "whole", ["seed=3:30"])
    assert bytes_of(tmp_path / "grown" / "store.zarr") == bytes_of(tmp_path / "whole" / "store.zarr")


@pytest.mark.parametrize(("words", "what"), [(["area=1:2"], "no place Blackpool"), (["horizon=9:10"], "no year 2031")])
def test_an_extension_for_which_the_store_has_no_place_is_refused(words, what, tmp_path):
    swept(tmp_path, ["seed=3:6"])
    before = of_record(tmp_path)
    with pytest.raises(Refusal, match=what):
        extended(tmp_path, words)
    assert of_record(tmp_path) == before


def test_an_extension_of_a_broken_sweep_finishes_both(broken):
    found = extended(broken, ["seed=23:30"])
    assert found["scenarios"] == 27
    assert opened(broken).seed.values.tolist() == list(range(3, 30))
    assert not begun_after_done(broken)


def test_another_version_of_code_libraries_tables_or_draws_is_refused_and_nothing_touched(broken, monkeypatch):
    before = of_record(broken)
    here = run_manifest.made_by()
    for name, value, what in (
        ("made_by", lambda: here | {"code_hash": "0" * 64}, "code 00000000"),
        ("made_by", lambda: here | {"versions": here["versions"] | {"numpy": "1"}}, "numpy"),
        ("data_hash", lambda folder: "0", "other tables"),
        ("posterior", lambda path: "0", "other posterior"),
    ):
        with monkeypatch.context() as patch:
            if name in cases.HASHES:
                patch.setitem(cases.HASHES, name, value)
            else:
                patch.setattr(cases, name, value)
            for again in (lambda: resumed(broken), lambda: extended(broken, ["seed=3:5"])):
                with pytest.raises(Refusal, match=what):
                    again()
    assert of_record(broken) == before


def test_a_config_that_has_changed_is_noticed(broken, monkeypatch):
    real = planted.base()
    monkeypatch.setattr(planted, "base", lambda: replace(real, start_year=2027))
    with pytest.raises(Refusal, match=r"scenario 0 of .* a config or scenarios.jsonl has changed"):
        resumed(broken)


def test_a_disk_that_fails_or_a_folder_that_cannot_be_made_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(Refusal, match=r"cannot be written \(Not a directory\)"):
        swept(tmp_path / "file" / "sweep")

    def broken(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(store, "write", broken)
    with pytest.raises(Refusal, match=r"stopped \(Input/output error\): what is finished is kept.*oa-sim resume"):
        swept(tmp_path / "sweep")


def test_a_name_that_no_folder_can_have_is_one_sentence(tmp_path):
    long = tmp_path / ("x" * 300)
    for again in (lambda: swept(long), lambda: resumed(long), lambda: extended(long, ["seed=3:5"])):
        with pytest.raises(Refusal, match=r"cannot be read \(File name too long\): choose another folder"):
            again()


def test_a_file_that_is_read_is_found_from_another_working_folder(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "l.nc").write_text("draws")
    monkeypatch.chdir(tmp_path / "a")
    swept(tmp_path / "sweep", ["posterior=l.nc", "seed=3:6"])
    monkeypatch.chdir(tmp_path)
    assert resumed(tmp_path / "sweep")["computed"] == 0
    assert extended(tmp_path / "sweep", ["seed=5:9"])["added"] == 3
    (tmp_path / "a" / "l.nc").write_text("others")
    with pytest.raises(Refusal, match="other posterior"):
        resumed(tmp_path / "sweep")


def test_a_process_that_died_among_the_columns_leaves_no_warning(tmp_path, recwarn):
    swept(tmp_path)
    (tmp_path / "store.zarr" / "seed" / "zarr.json").unlink()
    (tmp_path / "store.zarr" / "horizon").mkdir()
    resumed(tmp_path)
    assert not [*recwarn]


class Clock:
    """A clock that goes on only as a law says, so that a busy machine is no slower than another."""

    now = 0.0

    def perf_counter(self):
        return self.now


def remembering(most, clock):
    """Give a law that keeps what the last seeds need, which takes it a tenth of a second; one hundredth otherwise."""
    kept = []

    def law(scenario):
        clock.now += 0.01 if scenario.seed in kept else 0.1
        kept[:] = [*(seed for seed in kept if seed != scenario.seed), scenario.seed][-most:]
        return planted.law(scenario)

    return law


@pytest.mark.parametrize("words", [["horizon=5:15", "seed=20:24"], ["seed=20:24", "horizon=5:15"], ["seed=20:60"]])
def test_a_dry_run_tells_a_design_in_which_every_step_is_dear_from_one_in_which_few_are(words, monkeypatch):
    clock, whole = Clock(), Clock()
    monkeypatch.setattr(sweep_run, "time", clock)
    law = remembering(2, clock)
    found = planned(words, law, engine=planted.Engine(workers=1))
    law = remembering(2, whole)
    for scenario in planted.scenarios(planted.expand(words, None)):
        law(scenario)
    took = whole.now
    assert found["seconds_about"] == pytest.approx(took, rel=0.4)
    assert found["seconds_at_most"] >= 0.8 * took
    assert "each new value of seed makes anew" in found["costly"]


def test_a_dry_run_names_no_dear_key_where_none_is_and_goes_on_past_a_failure():
    found = planned(["seed=13:33"], planted.slow_law)
    assert "costly" not in found
    assert found["scenarios"] == 20


SCRIPT = """
import sys, resource
sys.path.insert(0, {tests!r})
import planted
from oa_sim import sweep
from oa_sim.errors import Refusal
verb, folder, words, law, more = {verb!r}, {folder!r}, {words!r}, planted.{law}, {more}
if more.get("largest_file"):
    resource.setrlimit(resource.RLIMIT_FSIZE, (more["largest_file"], more["largest_file"]))
try:
    with planted.space():
        if verb == "sweep":
            sweep.sweep(words, planted.Sweeping(block=more.get("block", 4)), folder, law=law)
        else:
            sweep.resume(folder, law=law)
except Refusal as refusal:
    sys.exit(str(refusal))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def started(verb, folder, *, law="slow_law", words=("seed=20:100",), **more):
    text = SCRIPT.format(tests=str(HERE), verb=verb, folder=str(folder), words=list(words), law=law, more=more)
    return subprocess.Popen(
        [sys.executable, "-c", text], cwd=HERE.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def lines_of(folder):
    path = folder / sweep_journal.JOURNAL
    return path.read_bytes().count(b"\n") if path.exists() else 0


def killed_at_random(folder, times, seed):
    """Begin a sweep of twenty blocks, kill it again and again, finish it; give how often a kill hit it at work."""
    random, hit = stream(seed, "test", "kill"), 0
    for _ in range(times):
        verb = "resume" if (folder / "sweep.json").exists() else "sweep"
        before = lines_of(folder)
        process = started(verb, folder)
        while process.poll() is None and lines_of(folder) <= before:
            time.sleep(0.005)
        time.sleep(random.uniform(0, 0.25))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        hit += process.returncode == -signal.SIGKILL
    out, err = started("resume", folder).communicate()
    assert out, err
    return hit


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize(("times", "seed"), [(10, 2)])
def test_killed_at_random_and_resumed_it_is_the_same_to_the_last_bit(times, seed, tmp_path):
    hit = killed_at_random(tmp_path / "killed", times, seed)
    assert hit >= 2
    swept(tmp_path / "whole", ["seed=20:100"])
    assert of_record(tmp_path / "killed") == of_record(tmp_path / "whole")
    assert not begun_after_done(tmp_path / "killed")


@pytest.mark.slow
def test_a_file_that_may_not_grow_is_a_full_disk(tmp_path):
    words = ("seed=2:30",)  # from seed 8 on a block takes a megabyte, before that hardly anything
    _, err = started("sweep", tmp_path / "full", law="wide_law", words=words, largest_file=200_000).communicate()
    assert re.fullmatch(r"the disk that holds .* is full: what is finished is kept; .*oa-sim resume .*\n", err)
    done = [line for line in journal(tmp_path / "full") if line["event"] == "finished"]
    assert [line["block"] for line in done] == [[0, 4]]
    assert not [*(tmp_path / "full").rglob("*.part*")]
    resumed(tmp_path / "full", law=planted.wide_law)
    swept(tmp_path / "whole", list(words), law=planted.wide_law)
    assert of_record(tmp_path / "full") == of_record(tmp_path / "whole")


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_scenarios(tmp_path):
    peaks = []
    for n in (40, 800):  # 10 and 200 megabytes of results
        out, err = started("sweep", tmp_path / str(n), law="wide_law", words=(f"seed=100:{100 + n}",)).communicate()
        assert out, err
        peaks.append(int(out) / 1024)
    assert peaks[1] - peaks[0] < 25  # megabytes


@pytest.mark.parametrize("kind", ["processes", pytest.param("dask", marks=needs_dask)])
@pytest.mark.slow
def test_processes_and_a_cluster_of_which_one_is_killed_give_the_same(kind, tmp_path, undisturbed, monkeypatch):
    monkeypatch.setenv("PLANTED_MARK", str(tmp_path / "mark"))
    found = swept(tmp_path / "sweep", law=planted.deadly_law, engine=planted.Engine(kind, 2))
    assert (tmp_path / "mark").exists()
    assert found["computed"] == 20
    assert bytes_of(tmp_path / "sweep" / "store.zarr") == bytes_of(undisturbed[0] / "store.zarr")
    assert not begun_after_done(tmp_path / "sweep")
    assert os.getpid() not in {line["process"] for line in journal(tmp_path / "sweep") if line["event"] == "finished"}
