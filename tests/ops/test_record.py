"""What is known of whoever runs on a data folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from filelock import FileLock

from portal.ops import record
from portal.ops.record import Record, Running


def test_a_pid_that_was_given_to_another_process_is_not_taken_for_the_old_one() -> None:
    here = Running.of(os.getpid())
    assert here.process() is not None
    assert Running(here.pid, here.created - 100).process() is None


def test_a_folder_is_held_as_long_as_its_lock_is(tmp_path: Path) -> None:
    assert not record.held(tmp_path)
    with FileLock(tmp_path / "portal.lock"):
        assert record.held(tmp_path)
    assert not record.held(tmp_path)


def test_a_damaged_record_is_no_record(tmp_path: Path) -> None:
    assert record.read(tmp_path) is None
    (tmp_path / "portal.json").write_text('{"holder": 12')
    assert record.read(tmp_path) is None


def test_children_of_a_killed_holder_are_ended_and_nobody_else(tmp_path: Path) -> None:
    child, bystander = (subprocess.Popen(["sleep", "60"]) for _ in range(2))
    try:
        reused = Running(bystander.pid, Running.of(bystander.pid).created - 100)
        Record(Running(1 << 22, 0.0), children={"web": Running.of(child.pid), "old": reused}).save(tmp_path)
        record.end_leftovers(tmp_path)
        assert child.wait(5) != 0
        assert bystander.poll() is None
    finally:
        for process in (child, bystander):
            process.kill()
            process.wait()


def test_children_of_a_living_holder_are_left_alone(tmp_path: Path) -> None:
    child = subprocess.Popen(["sleep", "60"])
    try:
        Record(Running.of(os.getpid()), children={"web": Running.of(child.pid)}).save(tmp_path)
        record.end_leftovers(tmp_path)
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()
