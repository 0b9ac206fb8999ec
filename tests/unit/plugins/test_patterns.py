# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each pattern for outside text takes linear time at most.

Every pattern of the package is found, and gets the texts that are worst for patterns of its parts: long runs of each
character that it knows, and beginnings of what it looks for again and again, without an end.
"""

from __future__ import annotations

import ast
import importlib
import itertools
import re
import time
import warnings
from pathlib import Path

import pytest

with warnings.catch_warnings():
    # The name that all Pythons know.
    warnings.simplefilter("ignore", DeprecationWarning)
    import sre_parse

PACKAGE = "ansible_collections.mailfleet.sendgrid.plugins"
FOLDERS = ("action", "filter", "inventory", "module_utils", "modules", "plugin_utils")
PLUGINS = Path(__file__).resolve().parents[3] / "plugins"
SOURCES = sorted(path for folder in FOLDERS for path in (PLUGINS / folder).rglob("*.py"))
# Methods of a pattern that go through a text, as the test calls them.
METHODS = {
    "search": lambda pattern, text: pattern.search(text),
    "match": lambda pattern, text: pattern.match(text),
    "fullmatch": lambda pattern, text: pattern.fullmatch(text),
    "findall": lambda pattern, text: pattern.findall(text),
    "finditer": lambda pattern, text: list(pattern.finditer(text)),
    "split": lambda pattern, text: pattern.split(text),
    "sub": lambda pattern, text: pattern.sub(text[:0], text),
    "subn": lambda pattern, text: pattern.subn(text[:0], text),
}
# Characters of a text: the second is four times the first. A linear pattern takes microseconds for either.
SMALL, LARGE = 2_000, 8_000
# So few that a pattern which doubles its time with each character comes to an end, and then one that is less bad.
TINY = (22, 32)
# Seconds of this thread. What is faster is no danger at this size, and too short to be compared.
QUICK = 0.004
# Four times the text: 4 for a linear pattern, 16 for a quadratic one.
MOST = 8


def modules():
    for source in SOURCES:
        path = source.relative_to(PLUGINS).with_suffix("")
        yield importlib.import_module(".".join((PACKAGE, *path.parts)))


def patterns():
    """Every compiled pattern of the package: (module, name) -> pattern."""
    return {
        (module.__name__.removeprefix(PACKAGE + "."), name): pattern
        for module in modules()
        for name, value in vars(module).items()
        for name, pattern in named_patterns(name, value)
    }


def named_patterns(name, value):
    """The patterns in a global: itself, or in a table or a class."""
    if isinstance(value, re.Pattern):
        yield name, value
    elif isinstance(value, dict):
        for key, item in list(value.items()):
            if not name.startswith("__"):
                yield from named_patterns(f"{name}[{key!r}]", item)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for number, item in enumerate(value):
            yield from named_patterns(f"{name}[{number}]", item)
    elif isinstance(value, type) and value.__module__.startswith(PACKAGE):
        for attribute, item in vars(value).items():
            if isinstance(item, re.Pattern):
                yield f"{name}.{attribute}", item


PATTERNS = patterns()


def methods_of(module, name):
    """How its module uses a pattern; all ways where that cannot be seen."""
    source = (PLUGINS / module.replace(".", "/")).with_suffix(".py").read_text(encoding="utf-8")
    used = set(re.findall(rf"\b{re.escape(name)}\.(\w+)\(", source)) & set(METHODS)
    return sorted(used) or sorted(METHODS)


def characters(parsed):
    """Lists of characters, one for each part of a parsed pattern that takes a character: some that the part takes."""
    taken = []
    for kind, value in parsed:
        name = str(kind)
        if name == "LITERAL":
            taken.append([chr(value)])
        elif name in ("NOT_LITERAL", "ANY"):
            taken.append(["a", "\n"])
        elif name == "IN":
            taken.append(members(value))
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            taken += characters(value[2])
        elif name == "SUBPATTERN":
            taken += characters(value[-1])
        elif name == "ATOMIC_GROUP":
            taken += characters(value)
        elif name == "BRANCH":
            for branch in value[1]:
                taken += characters(branch)
        elif name in ("ASSERT", "ASSERT_NOT"):
            taken += characters(value[1])
        elif name == "GROUPREF_EXISTS":
            for branch in value[1:]:
                taken += characters(branch or [])
    return taken


CATEGORIES = {"CATEGORY_DIGIT": "0", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "a"}


def members(items):
    """Some characters of a class, by its parts."""
    some = []
    negated = False
    for kind, value in items:
        name = str(kind)
        if name == "NEGATE":
            negated = True
        elif name == "LITERAL":
            some.append(chr(value))
        elif name == "RANGE":
            some.append(chr(value[0]))
        elif name == "CATEGORY":
            some.append(CATEGORIES.get(str(value), "-"))
    return ["a", " ", "0", "-"] if negated else some[:3]


def repeated(unit, size):
    return (unit * (size // len(unit) + 1))[:size]


def worst_texts(pattern):
    """Functions from a size to a text of it."""
    parts = characters(sre_parse.parse(pattern.pattern, pattern.flags))
    # One character for each part is a text that the pattern takes, or one branch of it does after the other.
    first = "".join(part[0] for part in parts)
    alphabet = sorted({character for part in parts for character in part} | set("a 0\n"))[:24]
    beginnings = sorted(
        {first[:length] for length in range(len(first) + 1)} | {first[length:] for length in range(len(first))}
    )
    units = [*alphabet, *(beginning for beginning in beginnings if beginning)]
    units += [left + right for left, right in itertools.permutations(alphabet[:8], 2)]
    texts = [lambda size, unit=unit: repeated(unit, size) for unit in units]
    # A beginning, and then a long run that nothing ends.
    texts += [
        lambda size, beginning=beginning, character=character: beginning + character * size + "\0"
        for beginning in beginnings
        for character in alphabet
    ]
    # A beginning again and again, each with a blank or a word after it.
    texts += [
        lambda size, beginning=beginning, after=after: repeated(beginning + after, size) + "\0"
        for beginning in beginnings
        for after in (" ", " x ", "\n")
    ]
    return texts


def seconds(pattern, method, text):
    """The best of three."""
    subject = text.encode("utf-8", "surrogatepass") if isinstance(pattern.pattern, bytes) else text
    best = float("inf")
    for _number in range(3):
        started = time.thread_time()
        METHODS[method](pattern, subject)
        best = min(best, time.thread_time() - started)
        if best < QUICK:
            break
    return best


def more_than_linear(pattern, method, make):
    """Whether four times the text takes much more than four times as long."""
    if any(seconds(pattern, method, make(size)) > QUICK for size in TINY):
        return True
    large = seconds(pattern, method, make(LARGE))
    return large > QUICK and large > MOST * seconds(pattern, method, make(SMALL))


def slow_text(pattern, methods):
    """The beginning of the first text that takes too long, with the method; None where there is none."""
    for make in worst_texts(pattern):
        for method in methods:
            if more_than_linear(pattern, method, make):
                return method, make(TINY[0])
    return None


def test_all_patterns_are_found():
    assert {
        ("module_utils._http.documents", "_WEB_PAGE"),
        ("module_utils._http.documents", "_ESCAPED_SURROGATE"),
        ("module_utils._v2.api", "_WORD"),
        ("plugin_utils._hosts", "_TEMPLATE"),
    } <= set(PATTERNS)
    compiled = [call for source in SOURCES for call in calls_of_re(source)]
    hidden = [call for source in SOURCES for call in calls_of_re(source, in_functions=True)]
    assert len({id(pattern) for pattern in PATTERNS.values()}) == len(compiled) - len(hidden)


@pytest.mark.parametrize(("module", "name"), sorted(PATTERNS), ids=lambda value: value)
def test_a_pattern_takes_linear_time(module, name):
    assert slow_text(PATTERNS[module, name], methods_of(module, name)) is None


# Patterns that the package had, and textbook cases.
@pytest.mark.parametrize(
    ("pattern", "method"),
    [
        (re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE), "match"),
        (re.compile(r"\b(invalid|wrong|incorrect|bad)\b.*\bpassword\b", re.IGNORECASE | re.DOTALL), "search"),
        (re.compile(r"[^@\s]+@[^@\s]+"), "search"),
        (re.compile(r"\s+$"), "search"),
        (re.compile(r"a.*b.*c"), "search"),
        (re.compile(r"(a+)+b"), "match"),
        (re.compile(r"(?:a|aa)*b"), "match"),
        (re.compile(r"<!--.*?-->", re.DOTALL), "sub"),
    ],
    ids=str,
)
def test_the_test_sees_a_pattern_that_takes_more(pattern, method):
    assert slow_text(pattern, [method]) is not None


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.relative_to(PLUGINS).as_posix())
def test_no_pattern_is_hidden_in_a_function(source):
    assert list(calls_of_re(source, in_functions=True)) == []


def calls_of_re(source, in_functions=False):
    """The texts of all calls of functions of `re` that take a pattern, or of those in functions."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    roots = [node for node in ast.walk(tree) if isinstance(node, functions)] if in_functions else [tree]
    calls = {id(node): node for root in roots for node in ast.walk(root) if is_call_of_re(node)}
    return [ast.unparse(call) for call in calls.values()]


def is_call_of_re(node):
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr in {*METHODS, "compile"}
    )
