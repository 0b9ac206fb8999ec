# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one worker read, for all others: over real forks, since that is what it is about."""

from __future__ import annotations

import os

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils import _worker_cache
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._worker_cache import WorkerCache

KEY = ("/srv/fleet.csv", 1, 2)
ROWS = {
    f"customer{number}@example.com": {"city": f"Ålborg {number} \U0001f600", "ips": [str(number)]}
    for number in range(300)
}


@pytest.fixture
def reads(tmp_path):
    """A reader of the rows, and how often it was called in any process."""
    path = tmp_path / "reads"
    path.touch()

    def read():
        with path.open("a") as file:
            file.write("x")
        return ROWS

    return read, lambda: len(path.read_text())


def in_workers(work, count):
    """Does `work` in forked processes that run at once; whether all of them were content."""
    workers = []
    for number in range(count):
        worker = os.fork()
        if worker == 0:
            status = 1
            try:
                status = 0 if work(number) else 1
            finally:
                os._exit(status)
        workers.append(worker)
    return [os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) for worker in workers] == [0] * count


def test_all_workers_share_one_read(reads):
    read, count = reads
    cache = WorkerCache()
    names = list(ROWS)
    assert in_workers(lambda number: cache.row(KEY, names[number * 7], read) == ROWS[names[number * 7]], 40)
    assert count() == 1
    assert in_workers(lambda _number: cache.row(KEY, "nobody@example.com", read) is None, 3)
    assert count() == 1


def test_a_file_that_has_changed_is_read_again(reads):
    read, count = reads
    cache = WorkerCache()
    name = next(iter(ROWS))
    for key, expected in ((KEY, 1), ((*KEY[:2], 3), 2), ((*KEY[:2], 3), 2), (KEY, 3)):
        assert in_workers(lambda _number, key=key: cache.row(key, name, read) == ROWS[name], 4)
        assert count() == expected


def test_an_error_of_the_reader_is_everybodys_and_leaves_nothing(reads):
    read, count = reads
    cache = WorkerCache()

    def fail():
        raise ValueError("it cannot be read")

    def fails(_number):
        with pytest.raises(ValueError, match="it cannot be read"):
            cache.row(KEY, "x", fail)
        return True

    assert in_workers(fails, 3)
    assert in_workers(lambda _number: cache.row(KEY, next(iter(ROWS)), read) is not None, 3)
    assert count() == 1


def test_a_worker_that_is_killed_while_it_writes_leaves_nothing(reads, monkeypatch):
    read, count = reads
    cache = WorkerCache()
    write = os.pwrite

    def killed(file, data, offset):
        if offset == 0:
            os._exit(0)
        return write(file, data, offset)

    def work(_number):
        monkeypatch.setattr(os, "pwrite", killed)
        cache.row(KEY, "x", read)
        return False

    assert in_workers(work, 1)
    assert in_workers(lambda _number: cache.row(KEY, next(iter(ROWS)), read) is not None, 2)
    assert count() == 2


def test_a_system_without_files_in_memory_reads_each_time(reads, monkeypatch):
    read, count = reads
    monkeypatch.delattr(_worker_cache.os, "memfd_create", raising=False)
    cache = WorkerCache()
    name = next(iter(ROWS))
    assert [cache.row(KEY, name, read) for _number in range(2)] == [ROWS[name]] * 2
    assert count() == 2


def test_an_empty_file_is_read_once(reads):
    cache = WorkerCache()
    found = []
    assert cache.row(KEY, "x", lambda: found.append(1) or {}) is None
    assert cache.row(KEY, "x", lambda: found.append(1) or {}) is None
    assert found == [1]


def test_workers_with_different_files_take_nothing_of_each_other():
    """Both files have the same layout, so that a row of one could be taken for a row of the other."""
    cache = WorkerCache()
    files = [{name: {"file": number} for name in ROWS} for number in (0, 1)]

    def work(number):
        own = number % 2
        found = [cache.row((f"/srv/{own}.csv",), name, lambda: files[own]) for name in ROWS]
        return found == [{"file": own}] * len(ROWS)

    assert in_workers(work, 8)
