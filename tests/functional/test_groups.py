# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Groups of tests stay together: otherwise each worker runs again what the tests of a group share."""

from __future__ import annotations

import pytest


@pytest.mark.xdist_group("groups")
def test_a_group_counts_where_tests_are_distributed_by_groups(request: pytest.FixtureRequest) -> None:
    """pytest-xdist puts the group into the id, in which its scheduler looks for it."""
    by_groups = request.config.getoption("loadgroup", default=False)
    assert request.node.nodeid.endswith("@groups") is by_groups
