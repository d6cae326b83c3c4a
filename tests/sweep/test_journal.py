"""The record of a sweep: what is refused of a folder, and in which order things reach the disk."""

import json
import os

import pytest
from test_sweep_run import extended, resumed, swept

from oa_sim.errors import Refusal
from oa_sim.sweep import journal as sweep_journal


def test_numbers_are_on_the_disk_before_their_mark(tmp_path, monkeypatch):
    synced, unsynced, finish, fsync = set(), [], sweep_journal.finish, os.fsync

    def finished(folder, start, rows):
        chunks = [
            path for path in (folder / "store.zarr").rglob(f"c/{start // 4}/*") if path.is_dir() or path.is_file()
        ]
        files = [file for path in chunks for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()]
        unsynced.extend(file for file in files if os.stat(file).st_ino not in synced)
        assert files
        finish(folder, start, rows)

    monkeypatch.setattr(os, "fsync", lambda number: synced.add(os.fstat(number).st_ino) or fsync(number))
    monkeypatch.setattr(sweep_journal, "finish", finished)
    swept(tmp_path)
    assert not unsynced


def test_two_at_once_on_one_folder_are_refused(broken):
    with sweep_journal.kept(broken):
        with pytest.raises(Refusal, match="another sweep"):
            resumed(broken)
        with pytest.raises(Refusal, match="another sweep"):
            extended(broken, ["seed=3:5"])
    resumed(broken)


def test_a_folder_that_is_taken_is_refused(broken, tmp_path):
    with pytest.raises(Refusal, match=r"holds a sweep already: .*oa-sim resume"):
        swept(broken)
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(Refusal, match="holds other things, such as 'broken'"):
        swept(tmp_path)
    with pytest.raises(Refusal, match="is a file"):
        swept(tmp_path / "thesis.txt")


def test_a_folder_that_is_no_sweep_is_refused_and_left_alone(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(Refusal, match="is not the folder of a sweep"):
            resumed(folder)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [("sweep.json", "{"), ("sweep.json", "[]"), ("sweep.json", '{"format": 1, "n": 20}'), ("scenarios.jsonl", "")],
)
def test_a_damaged_record_is_one_sentence(name, text, broken):
    (broken / name).write_text(text)
    with pytest.raises(Refusal, match="damaged"):
        resumed(broken)


def test_a_newer_format_is_named(broken):
    about = json.loads((broken / "sweep.json").read_text())
    (broken / "sweep.json").write_text(json.dumps(about | {"format": 99}))
    with pytest.raises(Refusal, match=r"format 99.*update"):
        resumed(broken)
