# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""A fleet in CSV."""

from __future__ import annotations

import collections
import csv
import io
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.rows import row_spec, suggestion
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import escape_control, first_of
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._fleet_text import FEW, Content, Unusable


def read_csv(text: str) -> Content:
    """Reads CSV with commas [RFC 4180]. Leaves out empty cells. Semicolons separate the items of a list.

    Each part of a dict has a column: `credits.type`.
    """
    if "\r" in text and "\n" not in text:
        raise Unusable("its lines end with a carriage return only; save it with line feeds")
    records = _Records(text)
    first, head = next(records)
    _check_head(first, head)
    lists = [name for name, option in row_spec().items() if option["type"] == "list" and name in head]
    dicts = [name for name in _columns_of_dicts() if any(cell.startswith(f"{name}.") for cell in head)]
    content: Content = {"customers": [], "lines": []}
    problems: list[str] = []
    for line, cells in records:
        if len(cells) != len(head):
            counts = f"{_count(len(cells), 'cell')}, and line {first} names {_count(len(head), 'column')}"
            problems.append(f"line {line} has {counts}")
            continue
        row: dict[str, t.Any] = {name: cell for name, cell in zip(head, cells) if cell}
        row.update({name: row[name].split(";") for name in lists if name in row})
        for name in dicts:
            _gather_parts(row, name)
        content["customers"].append(row)
        content["lines"].append(line)
    if problems:
        raise Unusable(*first_of(problems, FEW, "more lines"))
    return content


def _columns_of_dicts() -> dict[str, list[str]]:
    """By option, the columns of its parts."""
    return {
        name: [f"{name}.{part}" for part in option["options"]]
        for name, option in row_spec().items()
        if option["type"] == "dict"
    }


def _gather_parts(row: dict[str, t.Any], name: str) -> None:
    """Makes a dict of the cells of its parts."""
    parts = {column.partition(".")[2]: row.pop(column) for column in list(row) if column.startswith(f"{name}.")}
    if parts:
        row[name] = parts


class _Records:
    """The records of a CSV file that are not blank, each with the number of its first line."""

    def __init__(self, text: str) -> None:
        # Only a line feed ends a line. So line numbers are those of an editor, and a lone carriage return is an error.
        self._reader = csv.reader(io.StringIO(text, newline="\n"), strict=True)

    def __iter__(self) -> t.Iterator[tuple[int, list[str]]]:
        return self

    def __next__(self) -> tuple[int, list[str]]:
        cells: list[str] = []
        while not cells:
            line = self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except csv.Error as error:
                # The messages of the csv module quote nothing from the file.
                raise Unusable(f"line {line} is not valid CSV: {str(error).partition(' - ')[0]}") from None
        return line, cells


def _check_head(line: int, head: t.Sequence[str]) -> None:
    by_dict = _columns_of_dicts()
    options = [*(row_spec().keys() - by_dict), *(column for columns in by_dict.values() for column in columns)]
    if any(";" in cell and "username" in cell.split(";") for cell in head):
        raise Unusable(f"line {line} separates the columns with semicolons; separate them with commas")
    if "username" not in head:
        # Do not quote the line: it may be a customer with a password.
        raise Unusable(f"line {line} must name the columns, and one of them must be username")
    problems = [f"line {line} names no option in column {number}" for number, name in enumerate(head, 1) if not name]
    for name, count in collections.Counter(filter(None, head)).items():
        if name not in options:
            problems.append(f"line {line} names the unknown option '{escape_control(name, 100)}'{suggestion(name)}")
        elif count > 1:
            problems.append(f"line {line} names {name} {count} times")
    if problems:
        raise Unusable(*first_of(problems, FEW))


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
