# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The recipes of the guide for developers name every file that such a change concerns, as the code tells it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import pytest
import yaml
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._apis import CHOICES

from tools.generate_docs import BEGIN, END

from .running import ROOT

GUIDE = ROOT / "docs" / "docsite" / "rst" / "developing.rst"
ROOMS = "plugins/module_utils/_v*"
PRODUCT = ("plugins", "roles", "playbooks", "extensions", "tools", "tests/sandbox")
SUFFIXES = (".py", ".yml", ".j2")
PATH = re.compile(r"``([^\s`]+\.(?:py|yml|md|rst))``")

# What is added in the same places as a new one would be.
ATTRIBUTES = ("first_name", "last_name", "address", "city", "zip", "country", "phone", "website", "company")
OPERATIONS = ("set_email", "set_profile")
ERROR_MEMBER = "errors"


@cache
def recipes() -> dict[str, list[str]]:
    """The paths that each recipe names, in its order."""
    text = GUIDE.read_text(encoding="utf-8").partition("\nRecipes\n-------\n")[2]
    section = re.split(r"^-+$", text, flags=re.MULTILINE)[0]
    _introduction, *parts = re.split(r"^(Add .+)\n~+$", section, flags=re.MULTILINE)
    return {title: PATH.findall(body) for title, body in zip(parts[::2], parts[1::2])}


def named(title: str) -> set[str]:
    return {path for pattern in recipes()[title] for path in matching(pattern)}


def matching(pattern: str) -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern)}


def product() -> list[Path]:
    """What is written by hand in the collection and its stand-in for the service."""
    found = [path for folder in PRODUCT for path in sorted((ROOT / folder).rglob("*")) if path.suffix in SUFFIXES]
    assert len(found) > 60
    return found


def documentation() -> list[Path]:
    return [ROOT / "README.md", *sorted(GUIDE.parent.glob("*.rst"))]


def by_hand(path: Path) -> str:
    """The text of a file without the parts that are generated and without examples."""
    text = re.sub(rf"{BEGIN.pattern}\n.*?{END}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r'^EXAMPLES = r"""\n.*?^"""', "", text, flags=re.DOTALL | re.MULTILINE)


def files(says: Callable[[str], bool], paths: Iterable[Path]) -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in paths if says(by_hand(path))}


def with_words(*words: str) -> Callable[[str], bool]:
    return lambda text: set(words) <= set(re.findall(r"\w+", text))


def with_codes(*words: str) -> Callable[[str], bool]:
    """In marks for code, as tables of the documentation have them; examples do not count."""
    return lambda text: set(words) <= set(re.findall(r"`([^`\s]+)`", text))


def with_constant(value: str) -> Callable[[str], bool]:
    return lambda text: any(
        isinstance(node, ast.Constant) and node.value == value for node in ast.walk(ast.parse(text))
    )


def with_choices(*choices: str) -> Callable[[str], bool]:
    """A list of choices, in either way that YAML has for a list."""
    pattern = re.compile(r"choices: *(\[[^\]]*\]|(?:\n +- .+)+)")
    return lambda text: any(set(choices) <= set(yaml.safe_load(found)) for found in pattern.findall(text))


def test_every_recipe_has_its_test() -> None:
    assert list(recipes()) == ["Add an attribute", "Add an operation", "Add an error shape", "Add an API"]


@pytest.mark.parametrize("title", recipes())
def test_the_files_of_a_recipe_are_there(title: str) -> None:
    assert [path for path in recipes()[title] if not matching(path)] == []


def test_an_attribute_is_added_where_those_of_the_profile_are() -> None:
    concerned = files(with_words(*ATTRIBUTES), product()) | files(with_codes(*ATTRIBUTES), documentation())
    assert len(concerned) > 6
    assert concerned == named("Add an attribute")


def test_an_operation_is_added_where_others_are() -> None:
    faults = ROOT / "tests" / "functional" / "test_faults.py"
    concerned = files(with_words(*OPERATIONS), [*product(), faults]) | files(with_codes(*OPERATIONS), documentation())
    assert len(concerned) > 6
    assert concerned == named("Add an operation")


def test_an_error_shape_is_added_where_others_are() -> None:
    """The files that read the errors of an API, and those with which the stand-in writes them."""
    sources = [path for folder in (ROOMS, "tests/sandbox/v*") for path in ROOT.glob(f"{folder}/*.py")]
    concerned = files(with_constant(ERROR_MEMBER), sources)
    assert len(concerned) > 3
    assert concerned <= named("Add an error shape")


def test_an_api_has_the_files_of_the_others() -> None:
    rooms = [{path.name for path in room.glob("*.py")} for room in ROOT.glob(ROOMS)]
    in_each_room = {path for name in set.intersection(*rooms) for path in matching(f"{ROOMS}/{name}")}
    choices = files(with_choices(*CHOICES[:2]), [path for path in product() if path.parts[-2] != "sandbox"])
    assert in_each_room and len(choices) > 1
    stand_ins = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tests" / "sandbox").glob("*.py")
        if {"v2", "v3"} <= set(re.findall(r"^from \.(v\d)\b", by_hand(path), re.MULTILINE))
    }
    assert stand_ins
    door = "plugins/module_utils/_apis.py"
    assert in_each_room | choices | stand_ins | {door} <= named("Add an API")
