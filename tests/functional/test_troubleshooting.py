# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guide to troubleshooting quotes messages as the code has them, and the glossary has its terms."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from .running import ROOT
from .test_tables import GUIDES, code

ANYTHING = "…"
TERMS = (
    "account",
    "reseller contract",
    "customer",
    "fleet",
    "unmanaged customer",
    "unverified",
    "converged",
    "shipped and direct",
    "package",
    "whitelabel",
    "IP group",
    "free user",
    "ceiling",
    "drift",
    "sandbox",
)
# What Ansible says, and what is typed.
OTHERS = {
    "********",
    "--check",
    "couldn't resolve module/action 'mailfleet.sendgrid.…'",
    "the role 'mailfleet.sendgrid.…' was not found",
}


def guide() -> str:
    return (GUIDES / "troubleshooting.rst").read_text(encoding="utf-8")


def quoted() -> list[str]:
    """The messages in the first column of the tables."""
    cells = re.findall(r"^   \* - (.*)$", guide(), re.MULTILINE)
    found = [text for cell in cells for text in code(cell) if text not in OTHERS]
    assert len(found) > 30
    return found


@cache
def texts() -> frozenset[str]:
    """The texts in the code of the collection, with an ellipsis for each value in them."""
    paths = (ROOT / "plugins").rglob("*.py")
    return frozenset(text for path in paths for node in ast.walk(parsed(path)) if (text := as_text(node)))


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes())


def as_text(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        # Two values side by side are one to a reader.
        return re.sub(f"{ANYTHING}+", ANYTHING, "".join(as_text(part) or ANYTHING for part in node.values))
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"\{\w+\}", ANYTHING, node.value)
    return ""


@pytest.mark.parametrize("message", quoted())
def test_a_message_that_is_quoted_is_one_of_the_code(message: str) -> None:
    assert any(message.rstrip(ANYTHING + " ") in text for text in texts())


def test_the_glossary_has_its_terms() -> None:
    text = (GUIDES / "glossary.rst").read_text(encoding="utf-8").partition(".. glossary::\n")[2]
    assert tuple(re.findall(r"^    (\S.*)$", text, re.MULTILINE)) == TERMS
