# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of the documentation: which blocks a file has, and what kind of thing each one is.

A block whose first line is a comment with a file name is that file: `# fleet.yml`. A file that can have no comments has
one before it: `<!-- file: NAME -->` in Markdown, `.. file: NAME` in reStructuredText. A block that cannot be run has a
comment there with the reason: `<!-- not run: REASON -->`, `.. not run: REASON`.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.plugin_source import constant

_IN_MARKDOWN = re.compile(
    r"(?:^<!-- (?:not run: (?P<reason>\S.*?)|file: (?P<file>\S+)) -->\n+)?"
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_IN_RST = re.compile(
    r"(?:^ *\.\. (?:not run: (?P<reason>\S.*)|file: (?P<file>\S+))\n\n)?"
    r"^(?P<indent> *)\.\. code-block:: (?P<language>\w+)\n\n"
    r"(?P<text>(?:(?P=indent)    .*\n|\n)+)",
    re.MULTILINE,
)
_NAME = re.compile(r"# ([\w./-]+\.(?:yml|yaml|cfg))\b")
_MARKER = re.compile(r" *(?:<!--|\.\.) (?:not run|file)\b")
_STARTS_A_BLOCK = re.compile(r" *(?:```|\.\. code)")
# Indented text in Markdown; in reStructuredText what follows a paragraph that ends with two colons.
_CODE_OF_NO_LANGUAGE = {
    ".md": re.compile(r"\n\n( {4}\S.*)"),
    ".rst": re.compile(r"^(?! *\.\.)(.*::)$", re.MULTILINE),
}
_START_OF_SANDBOX = "-m tests.sandbox"
# Ansible replaces these by the tasks of the files that they name.
_STANDS_FOR_OTHERS = ("import_", "include_")


@dataclass(frozen=True)
class Block:
    """`text` as it is to be run; `reason` says why it is not. `file`: the name of a file that can have no comments."""

    language: str
    text: str
    reason: str = ""
    file: str = ""

    @property
    def name(self) -> str:
        """The name of the file that it is; empty without one."""
        found = _NAME.match(self.text)
        return self.file or (found[1] if found else "")

    @property
    def content(self) -> Any:
        return yaml.safe_load(self.text)

    @property
    def kind(self) -> str:
        """`playbook`, `tasks`, `inventory`, `variables`, `commands`, `settings`, `file` or `output`."""
        if self.file:
            return "file"
        if self.language == "yaml":
            return _kind_of_yaml(self.content)
        return {"shell": "commands", "ini": "settings", "text": "output"}[self.language]

    @property
    def tasks(self) -> set[str]:
        """The names of the tasks that have a result when it has run."""
        return {task["name"] for task in _tasks(self.content)} if self.kind in ("playbook", "tasks") else set()

    @property
    def sandboxes(self) -> list[str]:
        """The options of each sandbox that the commands start."""
        return [line.partition(_START_OF_SANDBOX)[2] for line in self.text.splitlines() if _START_OF_SANDBOX in line]

    @property
    def script(self) -> str:
        """The commands but those that start a sandbox."""
        return "\n".join(line for line in self.text.splitlines() if _START_OF_SANDBOX not in line)


def _kind_of_yaml(content: Any) -> str:
    if isinstance(content, dict):
        return "inventory" if "plugin" in content else "variables"
    assert isinstance(content, list), content
    return "playbook" if any({"hosts", "ansible.builtin.import_playbook"} & set(item) for item in content) else "tasks"


def _tasks(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The tasks of plays, of blocks and of lists of tasks."""
    for item in items:
        inner = [task for key in ("tasks", "block", "rescue", "always") for task in item.get(key, [])]
        yield from _tasks(inner)
        is_task = not {"hosts", "block"} & set(item)
        if is_task and not any(key.rpartition(".")[2].startswith(_STANDS_FOR_OTHERS) for key in item):
            yield item


def blocks(path: Path) -> list[Block]:
    """All blocks of a file, in their order. A block of several documents is several blocks."""
    if path.suffix == ".py":
        return [Block("yaml", text) for text in _documents(constant(path, "EXAMPLES"))]
    return [
        Block(match["language"], text, match["reason"] or "", match["file"] or "")
        for match in _found(path)
        for text in _documents(textwrap.dedent(match["text"]))
    ]


def overlooked(path: Path) -> list[str]:
    """What looks like an example and is no block, told in words. It looks in a simpler way than `blocks` does."""
    if path.suffix == ".py":
        return [] if constant(path, "EXAMPLES").strip() else ["EXAMPLES is empty"]
    text, found = path.read_text(encoding="utf-8"), _found(path)
    rest = text
    for match in found:
        rest = rest.replace(match[0], "")
    return [line for line in rest.splitlines() if _STARTS_A_BLOCK.match(line) or _MARKER.match(line)] + [
        f"code without a language: {line}" for line in _CODE_OF_NO_LANGUAGE[path.suffix].findall(rest)
    ]


def _documents(text: str) -> list[str]:
    """The documents of a YAML text, each with its comments."""
    return [part.strip("\n") + "\n" for part in re.split(r"^---$", text, flags=re.MULTILINE)]


def _found(path: Path) -> list[re.Match[str]]:
    pattern = _IN_RST if path.suffix == ".rst" else _IN_MARKDOWN
    return list(pattern.finditer(path.read_text(encoding="utf-8")))
