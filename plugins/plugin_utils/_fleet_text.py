# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""What the readers of a fleet in a file share."""

from __future__ import annotations

import typing as t

LARGEST = 64 * 1024 * 1024
# How many problems of a file are told.
FEW = 20

# As a module takes it beside its options: `customers` is a list, of any kind of values, and `lines` says for each row
# of a CSV file in which line it begins.
Content = dict[str, t.Any]
# The plain bytes of encrypted ones. Raises ValueError where it has no secret for them.
Decrypt = t.Callable[[bytes], bytes]


class Unusable(Exception):
    """Why a file cannot be used, in clauses."""

    def __init__(self, *problems: str) -> None:
        super().__init__()
        self.problems = problems


def line_at(text: str, position: int) -> int:
    """The number of the line in which a position is."""
    return text.count("\n", 0, position) + 1
