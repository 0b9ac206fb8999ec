# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""How messages name the options of a fleet: a role that runs the module has variables instead of options. Pure."""

from __future__ import annotations

import typing as t

Value = t.TypeVar("Value")

# Beside the options: by option of reseller_customers, the variable that the person has set.
OPTION_NAMES = "_option_names"


class OptionNames(dict[str, str]):
    """By option, its name in messages. An option that is not in it has its own name."""

    def __missing__(self, option: str) -> str:
        return option

    def renamed(self, values: t.Mapping[str, Value]) -> dict[str, Value]:
        """Values by option, with the names that messages use instead of the options."""
        return {self[option]: value for option, value in values.items()}


def option_names(options: t.Mapping[str, t.Any]) -> OptionNames:
    """The names that a role has given beside the options."""
    given = options.get(OPTION_NAMES)
    return OptionNames(given if isinstance(given, t.Mapping) else {})
