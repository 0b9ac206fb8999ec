# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copy the descriptions of the options of one customer from the one file that has them into several files.

In each file, the generated part is between two comments. With --check, the tool writes nothing, and a part that differs
is an error.
"""

from __future__ import annotations

import dataclasses
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import written
import yaml

ROOT = Path(__file__).resolve().parent.parent
SOURCE = "tools/customer_options.yml"
TOOL = "tools/generate_docs.py"
LINE_LENGTH = 120

# An option's description by key of the source.
Option = Mapping[str, Any]
Options = Mapping[str, Option]
# The lines of one part, from the options and the columns that a line may have.
Part = Callable[[Options, int], list[str]]

# The keys that are copied unchanged, in this order.
COPIED = ("type", "elements", "required", "default", "choices", "version_added")
SHOWN_ELSEWHERE = ("filter", "result", "sample", "label", "column")
KEYS = {"description", *COPIED, "no_log", "suboptions", *SHOWN_ELSEWHERE}


@dataclasses.dataclass(frozen=True)
class Place:
    """A list of the options of one customer.

    `wording`: which of several texts holds there. `prefix`: what a reference to an option of a customer has before it.
    `is_spec`: whether it is an argument spec, of a role. There, references lead nowhere: the options of the connection
    are not at hand, and those of a customer are below an option that takes any value.
    """

    wording: str
    prefix: str = ""
    is_spec: bool = False


SINGLE = Place("single")
CUSTOMERS = Place("in_list", prefix="customers[].")
FLEET_CUSTOMERS = Place("in_list", is_spec=True)
WORDINGS = {place.wording for place in (SINGLE, CUSTOMERS, FLEET_CUSTOMERS)}


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    tool = written.Tool(TOOL, SOURCE, "Write the documentation of a customer's options.")
    return written.run(tool, _outdated, arguments, root)


def _outdated(root: Path) -> dict[str, written.Outdated]:
    """The files that differ from the source."""
    options = load(root)
    texts = {name: (root / name).read_text(encoding="utf-8") for name in FILES}
    files = {name: written.Outdated(text, fill(text, FILES[name], options, name)) for name, text in texts.items()}
    return {name: file for name, file in files.items() if file.text != file.wanted}


def load(root: Path) -> Options:
    """The source. Raises ValueError for keys that no part uses."""
    options: Options = yaml.safe_load((root / SOURCE).read_text(encoding="utf-8"))
    unknown = [f"{name}: {key}" for name, key in _keys(options) if key not in KEYS]
    if unknown:
        raise ValueError(f"{SOURCE} has keys that mean nothing: {', '.join(unknown)}")
    return options


def _keys(options: Options) -> Iterator[tuple[str, str]]:
    for name, option in options.items():
        yield from ((name, key) for key in option)
        yield from _keys(option.get("suboptions", {}))


# The comments around a part.

BEGIN = re.compile(r"( *)# Generated from (\S+) by \S+: (\w+)")
END = "# End of the generated part"


def begin(part: str) -> str:
    return f"# Generated from {SOURCE} by {TOOL}: {part}"


def fill(text: str, parts: Mapping[str, Part], options: Options, name: str) -> str:
    """The text of a file, with its parts made from the source. Raises ValueError if the file has other parts."""
    lines: list[str] = []
    seen = []
    rest = iter(text.splitlines())
    for line in rest:
        lines.append(line)
        mark = BEGIN.fullmatch(line)
        if mark:
            indent, part = mark[1], mark[3]
            seen.append(part)
            # The search for the end skips the old lines of the part.
            if part not in parts or f"{indent}{END}" not in rest:
                raise ValueError(f"{name}: the part {part} is unknown or has no end")
            made = parts[part](options, LINE_LENGTH - len(indent))
            lines += [f"{indent}{one}" for one in (*made, END)]
    if sorted(seen) != sorted(parts):
        raise ValueError(f"{name} has the parts {seen}, and should have {[*parts]}")
    return "\n".join(lines) + "\n"


# The parts. Each one returns lines of YAML.


def customer_options(place: Place, options: Options, width: int) -> list[str]:
    """All options of a customer, as a module or a role documents them."""
    return _each(options, width, partial(_described, place, options))


def _described(place: Place, all_options: Options, option: Option, width: int) -> list[str]:
    texts = [_referring(place, all_options, text) for text in _worded(place, option["description"])]
    lines = _texts("description", texts, width)
    lines += [
        f"{key}: {_flow(option[key])}" for key in COPIED if key in option and not _refuses_null(place, option, key)
    ]
    if place.is_spec and "no_log" in option:
        lines.append(f"no_log: {_flow(option['no_log'])}")
    if "suboptions" in option:
        nested = _each(option["suboptions"], width - 2, partial(_described, place, all_options))
        lines += ["options:" if place.is_spec else "suboptions:", *_indented(nested)]
    return lines


def _refuses_null(place: Place, option: Option, key: str) -> bool:
    """Whether it would let Ansible refuse a null that the module leaves out: choices of a role without a default."""
    return place.is_spec and key == "choices" and "default" not in option


def _worded(place: Place, description: Any) -> list[str]:
    """The texts of a description that apply to this place."""
    found = []
    for text in _as_list(description):
        by_wording = text if isinstance(text, dict) else dict.fromkeys(WORDINGS, text)
        if not WORDINGS >= by_wording.keys():
            raise ValueError(f"{SOURCE} has a text for none of {sorted(WORDINGS)}: {text}")
        found += [by_wording[place.wording]] if place.wording in by_wording else []
    return found


def _referring(place: Place, options: Options, text: str) -> str:
    """The text with references adapted to this place. A reference with a # leads to another plugin, and stays."""
    return re.sub(r"\bO\((?![^)]*#)(\w+)", partial(_reference, place, options), text)


def _reference(place: Place, options: Options, found: re.Match[str]) -> str:
    if place.is_spec:
        return f"C({found[1]}"
    return f"O({place.prefix}{found[1]}" if found[1] in options else found[0]


def filters(options: Options, width: int) -> list[str]:
    """The options by which customers are filtered."""
    return _each(
        {name: option for name, option in options.items() if "filter" in option},
        width,
        lambda option, left: [*_texts("description", _as_list(option["filter"]), left), f"type: {option['type']}"],
    )


def results(options: Options, width: int) -> list[str]:
    """What a result shows of a customer."""
    return _each(
        {name: option for name, option in options.items() if "result" in option},
        width,
        lambda option, left: [
            *_texts("description", _as_list(option["result"]), left),
            f"type: {option['type']}",
            *(f"{key}: {_flow(option[key])}" for key in ("elements", "version_added") if key in option),
            "returned: always",
        ],
    )


def sample(options: Options, _width: int) -> list[str]:
    """An example of a customer in a result."""
    return [f"{name}: {_flow(options[name]['sample'])}" for name in sorted(options) if "result" in options[name]]


def sample_of_list(options: Options, width: int) -> list[str]:
    """The same, in a list of one."""
    return _as_item(sample(options, width))


def host_variables(options: Options, width: int) -> list[str]:
    """A text that names the variables of a host of the inventory."""
    *names, last = [f"C(sendgrid_{name})" for name, option in options.items() if "result" in option]
    return _as_item(_wrapped(f"The variables are {', '.join(names)} and {last}.", width - 2))


def columns(options: Options, _width: int) -> list[str]:
    """The names of the columns that a page may have."""
    return [f"- {name}" for name, option in options.items() if option.get("column")]


def labels(options: Options, _width: int) -> list[str]:
    """How a page names the attributes."""
    return [f"{name}: {_flow(option['label'])}" for name, option in options.items() if "label" in option]


# Lines of YAML.


def _each(options: Options, width: int, describe: Callable[[Option, int], list[str]]) -> list[str]:
    """A mapping of all options: each name, and below it what `describe` makes of the option and of the width left."""
    return [line for name, option in options.items() for line in (f"{name}:", *_indented(describe(option, width - 2)))]


def _texts(key: str, texts: list[str], width: int) -> list[str]:
    """A key with a text, on the same line if it fits, or with a list of texts."""
    [first, *more] = texts
    inline = f"{key}: {first}"
    if not more and len(inline) <= width and _reads_as(inline, {key: first}):
        return [inline]
    return [f"{key}:", *(f"  {line}" for text in texts for line in _as_item(_wrapped(text, width - 4)))]


def _wrapped(text: str, width: int) -> list[str]:
    """A text, plain where YAML reads it as the same text."""
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return lines if _reads_as("\n".join(lines), text) else [">-", *lines]


def _reads_as(written: str, value: Any) -> bool:
    try:
        return bool(yaml.safe_load(written) == value)
    except yaml.YAMLError:
        return False


def _as_item(lines: list[str]) -> list[str]:
    return [("  " if number else "- ") + line for number, line in enumerate(lines)]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _indented(lines: list[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _flow(value: Any) -> str:
    """A value on one line."""
    return yaml.safe_dump(value, default_flow_style=True, width=float("inf")).removesuffix("\n...\n").rstrip("\n")


# The parts of each file.
FILES: dict[str, dict[str, Part]] = {
    "plugins/modules/reseller_customer.py": {
        "options": partial(customer_options, SINGLE),
        "results": results,
        "sample": sample,
    },
    "plugins/modules/reseller_customers.py": {"options": partial(customer_options, CUSTOMERS)},
    "plugins/modules/reseller_customer_info.py": {"sample": sample_of_list},
    "plugins/doc_fragments/reseller.py": {"filters": filters},
    "plugins/inventory/reseller.py": {"variables": host_variables},
    "roles/fleet/meta/argument_specs.yml": {"options": partial(customer_options, FLEET_CUSTOMERS)},
    "roles/fleet_report/meta/argument_specs.yml": {"filters": filters, "columns": columns},
    "roles/fleet_report/vars/main.yml": {"labels": labels},
}


if __name__ == "__main__":
    sys.exit(main())
