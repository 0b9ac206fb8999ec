# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Progress on the console during long work: when it is shown, what it shows, and that only a person gets it."""

from __future__ import annotations

import contextlib
import os

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils import _console
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._console import Console, progress_text
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.fakes import Clock


class Exited(Exception):
    """Replaces the end of the process."""


class Lines(list):
    """Takes the place of Ansible's Display, for any number of instances."""

    def __call__(self):
        return self

    def display(self, text, stderr=False):
        assert stderr is True
        self.append(text)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(_console, "time", clock)
    return clock


@pytest.fixture
def shown(monkeypatch):
    """The lines that Ansible was told to show."""
    lines = Lines()
    monkeypatch.setattr(_console, "Display", lines)
    return lines


@pytest.fixture
def exits(monkeypatch):
    """The status that the process ended with."""
    statuses = []

    def leave(status):
        statuses.append(status)
        raise Exited

    monkeypatch.setattr(_console.os, "_exit", leave)
    return statuses


@pytest.fixture
def terminal(monkeypatch):
    """Both ends of a terminal; the far one is the console."""
    near, far = os.openpty()
    monkeypatch.setattr(_console, "_CONSOLE", far)
    monkeypatch.setattr(_console.C, "DEFAULT_STDOUT_CALLBACK", "ansible.builtin.default")
    yield near, far
    for end in (near, far):
        with contextlib.suppress(OSError):
            os.close(end)


def ticked(console, clock, seconds, total=10_000):
    """One tick in each second, with a customer done in each."""
    for second in range(seconds):
        console.on_progress(second, 0, total)
        clock.sleep(1)


def test_short_work_is_not_worth_a_word(terminal, clock, shown):
    ticked(Console("fleet"), clock, 5)
    assert shown == []


def test_long_work_is_told_in_growing_distances_and_at_least_each_minute(terminal, clock, shown):
    ticked(Console("fleet"), clock, 600)
    done = [int(line.split()[1].replace(",", "")) for line in shown]
    distances = [later - earlier for earlier, later in zip(done, done[1:])]
    assert done[0] == 5
    assert distances[:2] == [5, 8]
    assert distances == sorted(distances) and distances[-1] == 60
    assert set(shown) == {progress_text("fleet", number, 0, 10_000, 1) for number in done}


def test_the_speed_is_that_of_the_work_and_not_of_what_was_done_before_it(terminal, clock, shown):
    console = Console("fleet")
    console.on_progress(9_000, 0, 10_000)
    clock.sleep(10)
    console.on_progress(9_500, 2, 10_000)
    assert shown == ["fleet: 9,500 of 10,000 customers done, 2 failed, 50 per second"]


def test_lookups_before_the_work_are_told_and_do_not_count_for_its_speed(terminal, clock, shown):
    console = Console("fleet")
    for done in range(0, 1_500, 250):
        console.on_looked_up(done, 1_500)
        clock.sleep(2)
    console.on_looked_up(1_500, 1_500)
    console.on_progress(8_500, 0, 10_000)
    clock.sleep(10)
    console.on_progress(9_000, 0, 10_000)
    assert shown == [
        "fleet: 750 of 1,500 customers that the list lacks are looked up",
        "fleet: 8,500 of 10,000 customers done, 0 failed, 0 per minute",
        "fleet: 9,000 of 10,000 customers done, 0 failed, 50 per second",
    ]


def test_the_end_is_told_by_the_result(terminal, clock, shown):
    console = Console("fleet")
    clock.sleep(10)
    console.on_progress(7, 0, 7)
    assert shown == []


@pytest.mark.parametrize(
    ("rate", "speed"),
    [(12_345.6, "12,346 per second"), (1, "1 per second"), (0.5, "30 per minute"), (0, "0 per minute")],
)
def test_the_speed_is_one_that_can_be_read(rate, speed):
    assert progress_text("fleet", 1_000, 1_001, 20_000, rate) == (
        f"fleet: 1,000 of 20,000 customers done, 1,001 failed, {speed}"
    )


@pytest.mark.parametrize("callback", ["json", "ansible.posix.json", "ansible.posix.jsonl", "junit"])
def test_a_program_that_reads_the_output_is_told_nothing(terminal, clock, shown, monkeypatch, callback):
    monkeypatch.setattr(_console.C, "DEFAULT_STDOUT_CALLBACK", callback)
    ticked(Console("fleet"), clock, 60)
    assert shown == []


@pytest.mark.parametrize("has_console", [True, False])
def test_without_a_terminal_nothing_is_told(clock, shown, monkeypatch, tmp_path, has_console):
    with open(tmp_path / "log", "wb") as log:
        monkeypatch.setattr(_console, "_CONSOLE", log.fileno() if has_console else None)
        ticked(Console("fleet"), clock, 60)
    assert shown == []


def test_the_report_of_an_interrupted_run_goes_to_the_console_and_the_process_ends(terminal, exits, shown):
    near, _far = terminal
    with pytest.raises(Exited):
        Console("fleet").on_cancelled("3 of 4 customers were not reached: zoë\udcff")
    assert os.read(near, 1_000).decode().split("\r\n") == ["", "fleet: 3 of 4 customers were not reached: zoë?", ""]
    assert (exits, shown) == ([1], [])


def test_a_console_that_is_gone_does_not_keep_the_process(terminal, exits):
    _near, far = terminal
    console = Console("fleet")
    os.close(far)
    with pytest.raises(Exited):
        console.on_cancelled("interrupted")
    assert exits == [1]


def test_a_process_without_a_console_ends_as_well(monkeypatch, exits):
    monkeypatch.setattr(_console, "_CONSOLE", None)
    with pytest.raises(Exited):
        Console("fleet").on_cancelled("interrupted")
    assert exits == [1]


def test_the_console_is_a_copy_that_outlives_the_error_output(monkeypatch):
    copy = _console._own_console()
    try:
        assert copy != 2
        assert os.path.sameopenfile(copy, 2)
    finally:
        os.close(copy)

    def closed(_descriptor):
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(_console.os, "dup", closed)
    assert _console._own_console() is None
