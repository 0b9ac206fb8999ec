# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Converts what a server shows of a customer beyond the attributes that this collection knows. Pure."""

from __future__ import annotations

import json
import re
import typing as t

# A list should never hold a secret. If a server shows one, it must not reach a result.
_SECRET = re.compile(r"password|api_?key|secret|token", re.IGNORECASE)


def extra_texts(values: dict[str, t.Any]) -> dict[str, str]:
    """Values by wire name, each as a text, because nested values could mean something to Ansible."""
    return {
        name: _text(_without_secrets(value))
        for name, value in values.items()
        # Names that begin with an underscore could also mean something to Ansible.
        if not (name.startswith("_") or _SECRET.search(name))
    }


def _without_secrets(value: t.Any) -> t.Any:
    """The same value without members that have the name of a secret, at any depth."""
    if isinstance(value, dict):
        return {name: _without_secrets(item) for name, item in value.items() if not _SECRET.search(name)}
    return [_without_secrets(item) for item in value] if isinstance(value, list) else value


def _text(value: t.Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
