# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The end of long work: real signals to this process and to others, and waits that are cut short."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import ansible_collections
import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils import _cancellation
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._cancellation import Cancellation

SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Seconds that nothing here takes, unless it fails.
PATIENCE = 20


def handlers():
    return [signal.getsignal(number) for number in SIGNALS]


@pytest.fixture(autouse=True)
def _signals_as_before():
    before = handlers()
    yield
    assert handlers() == before


def test_at_first_nothing_is_stopped():
    with Cancellation() as cancellation:
        assert (cancellation.is_cancelled(), cancellation.is_interrupted, cancellation.reason) == (False, False, "")
        assert cancellation.wait(0) is False
        cancellation.check_parent()
        assert cancellation.is_cancelled() is False


def test_the_first_reason_counts():
    with Cancellation() as cancellation:
        cancellation.cancel("one thing happened")
        cancellation.cancel("another thing happened")
        assert (cancellation.is_cancelled(), cancellation.reason, cancellation.is_interrupted) == (
            True,
            "one thing happened",
            False,
        )
        signal.raise_signal(signal.SIGTERM)
        assert (cancellation.reason, cancellation.is_interrupted) == ("one thing happened", True)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_a_reason(number):
    with Cancellation() as cancellation:
        signal.raise_signal(number)
        assert (cancellation.is_cancelled(), cancellation.is_interrupted) == (True, True)
        assert cancellation.reason == f"of the signal {signal.Signals(number).name}"


def test_signals_are_given_back():
    before = handlers()
    with Cancellation():
        assert all(now != then for now, then in zip(handlers(), before))
    assert handlers() == before


def test_signals_are_given_back_after_an_error():
    before = handlers()
    with pytest.raises(ZeroDivisionError), Cancellation():
        raise ZeroDivisionError
    assert handlers() == before


@pytest.mark.parametrize("usual", [signal.SIG_IGN, signal.SIG_DFL, print])
def test_whatever_was_there_is_given_back(usual):
    before = signal.signal(signal.SIGTERM, usual)
    try:
        with Cancellation():
            signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) == usual
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_that_is_ignored_stays_so(number):
    """As of a program that nohup started."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with Cancellation() as cancellation:
            signal.raise_signal(number)
            assert cancellation.is_cancelled() is False
    finally:
        signal.signal(number, before)


def test_who_insists_gets_a_keyboard_interrupt():
    with Cancellation() as cancellation:
        signal.raise_signal(signal.SIGINT)
        assert cancellation.is_cancelled()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_second_request_to_end_changes_nothing():
    """Ansible sends several."""
    with Cancellation() as cancellation:
        for _time in range(3):
            signal.raise_signal(signal.SIGTERM)
        assert cancellation.reason == "of the signal SIGTERM"


class InterruptAtStep:
    """Interrupts this process before the so many-th line that the code of the module runs."""

    def __init__(self, step):
        self._left = step
        self.has_come = False

    def _trace(self, frame, event, _argument):
        if frame.f_code.co_filename != _cancellation.__file__:
            return None
        self._left -= event == "line"
        if self._left == 0 and not self.has_come:
            self.has_come = True
            signal.raise_signal(signal.SIGINT)
        return self._trace

    def __enter__(self):
        self._before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_error):
        sys.settrace(self._before)


def is_heard(cancellation, step, act):
    """Whether an interrupt at a step of `act` is heard, in one way or the other; and whether there is such a step."""
    insisted = False
    interrupt = InterruptAtStep(step)
    try:
        with interrupt:
            act()
    except KeyboardInterrupt:
        insisted = True
    return insisted or cancellation.is_interrupted, interrupt.has_come


def test_a_second_interrupt_at_any_moment_of_the_first():
    """Python calls a handler again in the middle of itself."""
    has_come, step = True, 0
    while has_come:
        step += 1
        with Cancellation() as cancellation:
            heard, has_come = is_heard(cancellation, step, lambda: signal.raise_signal(signal.SIGINT))
            assert heard, step
            assert cancellation.reason in ("", "of the signal SIGINT")
    assert step > 5


def test_an_interrupt_at_any_moment_of_the_end():
    before = handlers()
    has_come, step = True, 0
    while has_come:
        step += 1
        cancellation = Cancellation()
        cancellation.__enter__()
        heard, has_come = is_heard(cancellation, step, cancellation.__exit__)
        assert heard is has_come, step
        for number, handler in zip(SIGNALS, before):
            signal.signal(number, handler)
    assert step > 5


# Waiting


def test_a_wait_that_nobody_ends_lasts_as_long_as_asked():
    with Cancellation() as cancellation:
        started = time.monotonic()
        assert cancellation.wait(0.05) is False
        assert time.monotonic() - started >= 0.05


def test_no_wait_once_it_is_stopped():
    with Cancellation() as cancellation:
        cancellation.cancel("it is over")
        assert [cancellation.wait(3600) for _time in range(3)] == [True] * 3


def test_all_waits_end_together():
    ends = []
    waiting = threading.Barrier(5, timeout=PATIENCE)

    def wait():
        waiting.wait()
        ends.append(cancellation.wait(3600))

    with Cancellation() as cancellation:
        threads = [threading.Thread(target=wait) for _number in range(4)]
        for thread in threads:
            thread.start()
        waiting.wait()
        cancellation.cancel("it is over")
        for thread in threads:
            thread.join(PATIENCE)
    assert ends == [True] * 4


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_the_wait_of_the_main_thread(number):
    with Cancellation() as cancellation:
        timer = threading.Timer(0.05, os.kill, [os.getpid(), number])
        timer.start()
        assert cancellation.wait(3600) is True
        timer.join()
    assert cancellation.reason == f"of the signal {signal.Signals(number).name}"


# Where it works


def test_another_thread_has_no_signals_but_all_else():
    before = handlers()
    seen = []

    def work():
        with Cancellation() as cancellation:
            seen.append(handlers())
            cancellation.check_parent()
            cancellation.cancel("it is over")
            seen.append(cancellation.wait(3600))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(PATIENCE)
    assert seen == [before, True]


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="this system does not show a process its files")
def test_no_file_is_left_open():
    before = os.listdir("/proc/self/fd")
    for _time in range(20):
        with Cancellation() as cancellation:
            cancellation.wait(0)
            cancellation.cancel("it is over")
            cancellation.wait(1)
    assert os.listdir("/proc/self/fd") == before


# Processes of their own

HEADER = """
import os, signal, sys, threading
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._cancellation import Cancellation
def say(text):
    os.write(1, (text + "\\n").encode())
"""


@pytest.fixture
def program():
    """Starts a program with the collection at hand; it says when it is ready."""
    started = []

    def start(code):
        folder = os.path.dirname(list(ansible_collections.__path__)[0])
        process = subprocess.Popen(
            [sys.executable, "-c", HEADER + code],
            env={**os.environ, "PYTHONPATH": folder},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_program_ends_its_work_after_a_signal(program):
    process = program(
        """
with Cancellation() as cancellation:
    say("ready")
    cancellation.wait(3600)
    say(cancellation.reason)
"""
    )
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, output, errors) == (0, "of the signal SIGTERM\n", "")


def test_a_program_that_hangs_ends_when_somebody_insists(program):
    process = program(
        """
with Cancellation() as cancellation:
    say("ready")
    cancellation.wait(3600)
    say(cancellation.reason)
    # Not a lock's wait: an interrupt inside of it can end as a complaint about the lock.
    signal.pause()
"""
    )
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "of the signal SIGINT\n"
    process.send_signal(signal.SIGINT)
    _output, errors = process.communicate(timeout=PATIENCE)
    assert errors.rstrip().endswith("KeyboardInterrupt")


def test_a_fleet_whose_calls_hang_ends_when_somebody_insists(program):
    """The interpreter does not wait for the calls under way, either."""
    process = program(
        """
from ansible_collections.mailfleet.sendgrid.plugins.module_utils import _fleet
class Member:
    error = outcome = None
    has_failed = False
class Quiet(_fleet.Progress):
    def on_progress(self, done, failed, total):
        if cancellation.is_cancelled():
            say("ending")
with Cancellation() as cancellation:
    options = {"api": "reseller", "concurrency": 1, "on_error": "stop", "purge": False}
    run = _fleet._Run(None, options, False, cancellation, Quiet())
    run._reconcile = lambda member: (say("ready"), threading.Event().wait())
    run.execute([Member(), Member()], [])
"""
    )
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "ending\n"
    process.send_signal(signal.SIGINT)
    _output, errors = process.communicate(timeout=PATIENCE)
    assert errors.rstrip().endswith("KeyboardInterrupt")


def test_a_program_whose_parent_was_killed_notices(program):
    process = program(
        """
if os.fork() == 0:
    with Cancellation() as cancellation:
        say("ready")
        while not cancellation.is_cancelled():
            cancellation.check_parent()
            cancellation.wait(0.01)
        say(f"{cancellation.is_interrupted}: {cancellation.reason}")
    os._exit(0)
threading.Event().wait()
"""
    )
    process.kill()
    # The child has the same output, so its end is the end of the child.
    output, _errors = process.communicate(timeout=PATIENCE)
    assert output == "True: the program that started it has ended\n"
