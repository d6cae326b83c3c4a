"""The one writer of files and folders: the old or the new, never half of either, and nothing left beside it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from oa_sim import atomic_write
from oa_sim.atomic_write import atomic_file, atomic_folder, write_file


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_new_or_as_before_and_nothing_stays_beside_it(tmp_path):
    path = tmp_path / "deep" / "table.csv"
    write_file(path, "é\n")
    write_file(path, b"second")
    assert path.read_bytes() == b"second"

    def is_stopped():
        with atomic_file(path) as part:
            part.write_text("half")
            assert path.read_bytes() == b"second"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        is_stopped()
    assert (names(path.parent), path.read_bytes()) == (["table.csv"], b"second")


def test_folders_on_the_way_go_again_where_nothing_is_written(tmp_path):
    (tmp_path / "kept").mkdir()
    for writer in (atomic_file, atomic_folder):
        with pytest.raises(ValueError, match="no"), writer(tmp_path / "kept" / "a" / "b" / "place"):
            raise ValueError("no")
        assert names(tmp_path) == ["kept"]
        assert names(tmp_path / "kept") == []


def test_a_folder_takes_the_place_of_an_earlier_one(tmp_path):
    path = tmp_path / "run"
    for content in ("first", "second"):
        with atomic_folder(path) as part:
            (part / "inside").mkdir()
            (part / "inside" / content).write_text(content)
        assert names(path / "inside") == [content]

    def meets_a_full_disk():
        with atomic_folder(path) as part:
            (part / "half").write_text("half")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        meets_a_full_disk()
    assert (names(tmp_path), names(path / "inside")) == (["run"], ["second"])


def test_where_the_new_folder_cannot_be_put_there_the_old_one_goes_back(tmp_path, monkeypatch):
    path, replace = tmp_path / "run", os.replace
    with atomic_folder(path) as part:
        (part / "old").write_text("old")

    def refuses(source, target):
        if Path(target) == path and not Path(source).name.endswith(".old.part"):
            raise OSError("refused")
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuses)
    with pytest.raises(OSError, match="refused"), atomic_folder(path):
        pass
    assert (names(tmp_path), names(path)) == (["run"], ["old"])


def test_all_is_on_the_disk_before_it_is_in_its_place(tmp_path, monkeypatch):
    synced, fsync, replace = set(), os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: synced.add(os.fstat(number).st_ino) or fsync(number))

    def replaces(source, target):
        within = [source, *source.rglob("*")] if source.is_dir() else [source]
        assert {os.stat(path).st_ino for path in within if path.is_file()} <= synced
        replace(source, target)

    monkeypatch.setattr(os, "replace", replaces)
    write_file(tmp_path / "file", "text")
    with atomic_folder(tmp_path / "folder") as part:
        (part / "file").write_text("text")
    assert {os.stat(path).st_ino for path in (tmp_path, tmp_path / "file", tmp_path / "folder" / "file")} <= synced


def test_others_may_read_what_is_written_as_any_new_file(tmp_path):
    write_file(tmp_path / "file", "text")
    (tmp_path / "plain").touch()
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode
    with atomic_folder(tmp_path / "folder"):
        pass
    (tmp_path / "plain folder").mkdir()
    assert (tmp_path / "folder").stat().st_mode == (tmp_path / "plain folder").stat().st_mode


WRITES_FOR_EVER = """
import sys
from pathlib import Path
from oa_sim.atomic_write import atomic_folder, write_file
place = Path(sys.argv[1])
write_file(place / "file", "0" * 100_000)
print("begun", flush=True)
for n in range(1, 10_000_000):
    write_file(place / "file", str(n % 10) * 100_000)
    with atomic_folder(place / "new" / str(n)) as part:
        for name in "ab":
            (part / name).write_text(str(n))
"""


@pytest.mark.parametrize("wait", [0.02, 0.1, 0.3])
def test_killed_while_it_writes_it_leaves_the_old_or_the_new(tmp_path, wait):
    process = subprocess.Popen([sys.executable, "-c", WRITES_FOR_EVER, tmp_path], stdout=subprocess.PIPE)
    with process:
        assert process.stdout.readline() == b"begun\n"
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    text = (tmp_path / "file").read_text()
    assert text == text[0] * 100_000
    for folder in (tmp_path / "new").glob("[0-9]*"):
        assert [(folder / name).read_text() for name in "ab"] == [folder.name] * 2
    assert all(path.name.endswith(atomic_write.PART) for path in tmp_path.rglob(".*"))
