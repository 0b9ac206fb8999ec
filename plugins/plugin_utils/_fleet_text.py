# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Types and limits that all readers of a fleet file share."""

from __future__ import annotations

import typing as t

LARGEST = 64 * 1024 * 1024
# The number of problems that a message lists.
FEW = 20

# The content as the module takes it in addition to its options. `customers`: a list with values of any kind. `lines`:
# for each row of a CSV file, the line where it begins.
Content = dict[str, t.Any]
# Decrypts bytes. Raises ValueError if it has no secret for them.
Decrypt = t.Callable[[bytes], bytes]


class Unusable(Exception):
    """Why a file cannot be used, in clauses."""

    def __init__(self, *problems: str) -> None:
        super().__init__()
        self.problems = problems


def line_at(text: str, position: int) -> int:
    """The number of the line that contains a position."""
    return text.count("\n", 0, position) + 1
