# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the file of a plugin without importing it."""

from __future__ import annotations

import ast
from pathlib import Path


def constant(plugin: Path, name: str) -> str:
    """The text that a plugin assigns to `name`, such as DOCUMENTATION. Raises ValueError if it assigns none."""
    for node in ast.parse(plugin.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ast.literal_eval(node.value)
    raise ValueError(f"{plugin} has no {name}")
