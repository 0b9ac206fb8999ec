# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all unit tests share: how hypothesis runs."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Machines of a CI pause when they like, so no single example has a deadline. The same examples in each run: a red run
# can be run again.
settings.register_profile(
    "unit",
    deadline=None,
    max_examples=100,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("unit")
