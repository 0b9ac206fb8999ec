# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all unit tests share: how hypothesis runs, and how ansible-test gets through them."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# ansible-test repeats the tests for each Python and each ansible-core. A few examples are enough to show differences
# between them. pytest on its own runs all examples.
IS_REPEATED = "ANSIBLE_CONTROLLER_MIN_PYTHON_VERSION" in os.environ

# Machines of a CI pause when they like, so no single example has a deadline. The same examples in each run: a red run
# can be run again.
settings.register_profile(
    "unit",
    deadline=None,
    max_examples=10 if IS_REPEATED else 100,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("unit")


# The proxies and certificates of this machine must not change a test.
for _name in list(os.environ):
    if _name.lower().endswith("_proxy") or _name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        del os.environ[_name]


def pytest_configure(config: pytest.Config) -> None:
    """ansible-test forks for each test, which takes longer than most of them. As under pytest, they share a process."""
    if IS_REPEATED and config.pluginmanager.has_plugin("ansible_forked"):
        config.pluginmanager.unregister(name="ansible_forked")


def pytest_sessionfinish() -> None:
    """What ansible-test measured is written down when such a child ends: without children, it has to be done here."""
    if IS_REPEATED and "COVERAGE_CONF" in os.environ:
        import coverage

        measured = coverage.Coverage.current()
        if measured is not None:
            measured.stop()
            measured.save()
