# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guide for developers follows one option through the code, and the notes on decisions name files: both are true.

A task with this option runs here, with both APIs, and every function that it calls is noted.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._apis import CHOICES
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._module import customer_spec, explain_customer
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._tasks import manage_customer
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.api import CALLS
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils import _direct

from .conftest import connection
from .running import ROOT, SUBUSERS, Sandbox

GUIDE = ROOT / "docs" / "docsite" / "rst" / "developing.rst"
DECISIONS = ROOT / "docs" / "decisions"
TITLE = "One option on its way"
PATH = re.compile(r"(?:[\w.-]+/)*[\w-]+\.(?:py|yml|sh|md|rst)")
# A function, `run()` or `Module.finish()`, and what else begins with a capital letter: a class, a table, a property.
FUNCTION = re.compile(r"(?:\w+\.)?\w+\(\)")
NAME = re.compile(r"_?[A-Z]\w*(?:\.\w+)?")
# What Ansible starts around the task or on the target, and what a fleet has instead.
AROUND_THE_TASK = {"DirectAction.run", "main", "read_fleet", "manage_fleet", "_result_dict"}
CUSTOMER = "ada@example.com"


class Step(NamedTuple):
    """What one step of the walk names in one file. `functions`: with their class, without the parentheses."""

    path: str
    functions: list[str]
    names: list[str]


@cache
def steps() -> list[Step]:
    text = GUIDE.read_text(encoding="utf-8").partition(f"\n{TITLE}\n")[2].partition("\nRecipes\n")[0]
    items = re.findall(r"^#\. (.*(?:\n   .*)*)", text, re.MULTILINE)
    return [step for item in items for step in _steps_of(re.findall(r"``([^`]+)``", item))]


def _steps_of(codes: list[str]) -> Iterator[Step]:
    """A function is in the file that is named before it, or right after it: `manage_fleet()` in `_fleet.py`."""
    paths = [place for place, code in enumerate(codes) if PATH.fullmatch(code)]
    assert paths and paths[0] == 0, codes
    for start, end in zip(paths, [*paths[1:], len(codes)]):
        part = codes[start + 1 : end] if start == 0 else [codes[start - 1]]
        if end < len(codes):
            part = part[:-1]
        functions = [code[:-2] for code in part if FUNCTION.fullmatch(code)]
        yield Step(codes[start], functions, [code for code in part if NAME.fullmatch(code)])


@cache
def defined(path: str) -> frozenset[str]:
    """The functions, methods, classes and constants of a file, those of a class with its name before them."""
    return frozenset(_defined(ast.parse((ROOT / path).read_text(encoding="utf-8")).body))


def _defined(body: list[ast.stmt], owner: str = "") -> Iterator[str]:
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield owner + node.name
        if isinstance(node, ast.ClassDef):
            yield from _defined(node.body, f"{node.name}.")
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (owner + target.id for target in targets if isinstance(target, ast.Name))


def test_the_walk_names_what_the_files_define() -> None:
    assert len(steps()) > 25
    assert [step.path for step in steps() if not (ROOT / step.path).is_file()] == []
    for step in steps():
        assert {*step.functions, *step.names} - defined(step.path) == set(), step.path


def test_the_walk_passes_through_every_layer() -> None:
    places = {step.path for step in steps()}
    folders = ("action", "modules", "plugin_utils", *(f"module_utils/{name}" for name in ("_customers", "_http")))
    rooms = [f"module_utils/{path.name}" for path in (ROOT / "plugins" / "module_utils").glob("_v*")]
    assert len(rooms) > 1
    for folder in (*folders, *rooms):
        assert [place for place in places if place.startswith(f"plugins/{folder}/")], folder
    assert {f"plugins/module_utils/{name}.py" for name in ("_module", "_tasks", "_apis")} <= places


# The walk itself


@contextmanager
def noted_calls() -> Iterator[set[tuple[str, str]]]:
    """The functions of the plugins that are called in this thread: path and name."""
    calls: set[tuple[str, str]] = set()

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call" and "/plugins/" in frame.f_code.co_filename:
            _folder, _slash, place = frame.f_code.co_filename.rpartition("/plugins/")
            calls.add((f"plugins/{place}", frame.f_code.co_name))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(before)


def move(sandbox: Sandbox, api: str, city: str, check_mode: bool) -> dict[str, Any]:
    """The result of the task of the guide."""
    arguments = {**connection(sandbox, api), "username": CUSTOMER, "city": city}
    settings = {"_ansible_check_mode": check_mode, "_ansible_diff": True}
    output = _direct.module_output(manage_customer, customer_spec(), {**arguments, **settings}, explain_customer)
    result: dict[str, Any] = json.loads(output)
    return result


@pytest.mark.parametrize("sandbox", ["observed"], indirect=True)
def test_the_task_calls_what_the_walk_names(sandbox: Sandbox) -> None:
    found: set[tuple[str, str]] = set()
    for city, api in (("Bangor", CHOICES[0]), ("Camden", SUBUSERS)):
        before = sandbox.customers()[CUSTOMER]["city"]
        with noted_calls() as calls:
            results = [move(sandbox, api, city, check_mode) for check_mode in (True, False, False)]
        assert [result["changed"] for result in results] == [True, True, False], results
        for result in results[:2]:
            assert (result["diff"]["before"]["city"], result["diff"]["after"]["city"]) == (before, city)
            assert [one["name"] for one in result["operations"]] == ["set_profile"]
            assert result["customer"]["city"] == city
        assert sandbox.customers()[CUSTOMER]["city"] == city
        found |= calls
    named = {(step.path, name) for step in steps() for name in step.functions if name not in AROUND_THE_TASK}
    assert len(named) > 20
    assert {(path, name) for path, name in named if (path, name.rpartition(".")[2]) not in found} == set()


@pytest.mark.parametrize("sandbox", ["observed"], indirect=True)
def test_the_requests_are_those_of_the_walk(sandbox: Sandbox) -> None:
    text = " ".join(GUIDE.read_text(encoding="utf-8").split())
    writes = {}
    for api in (CHOICES[0], SUBUSERS):
        seen = len(sandbox.log())
        move(sandbox, api, f"Bangor with {api}", check_mode=False)
        writes[api] = [call for call in sandbox.log(after=seen) if call["operation"] == "set_profile"]
    [[v2], [v3]] = writes[CHOICES[0]], writes[SUBUSERS]
    [address, fixed] = CALLS["set_profile"].routes[v2["family"]]
    assert f"``{v2['verb']} /apiv2/{address}.{v2['format']}``" in text
    for name, value in (*fixed, ("city", "Bangor")):
        assert f"``{name}={value}``" in text and name in v2["body_parameters"]
    assert f"``{v3['verb']} {v3['route']}``" in text
    assert '``{"city": "Bangor"}``' in text and v3["body_parameters"] == ["city"]


# The notes on decisions


def notes() -> list[Path]:
    return sorted(path for path in DECISIONS.glob("*.md") if path.name != "README.md")


def test_each_note_is_short_and_in_the_index() -> None:
    index = (DECISIONS / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\(([^)]+)\)", index) == [path.name for path in notes()]
    assert len(notes()) >= 6
    for path in notes():
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 60, path
        headings = [line for line in lines if line.startswith("## ")]
        assert headings == ["## Context", "## Decision", "## Consequences", "## Rejected"], path


@pytest.mark.parametrize("note", notes(), ids=lambda path: path.stem)
def test_a_note_names_files_and_tests_that_are_there(note: Path) -> None:
    codes = re.findall(r"`([^`]+)`", note.read_text(encoding="utf-8"))
    files = [code for code in codes if "/" in code and PATH.fullmatch(code)]
    folders = [code for code in codes if re.fullmatch(r"(?:\w+/)+", code)]
    assert files
    assert [place for place in files if not (ROOT / place).is_file()] == []
    assert [place for place in folders if not (ROOT / place).is_dir()] == []
    functions = {code[:-2].rpartition(".")[2] for code in codes if FUNCTION.fullmatch(code)}
    known = {name.rpartition(".")[2] for place in files if place.endswith(".py") for name in defined(place)}
    assert functions - known == set()
