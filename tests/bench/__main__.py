# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measures what tasks cost, against the sandbox. Prints one table after the other. Compare ratios only within one run.

    python -m tests.bench [PART ...] [--items N] [--sizes N,N] [--new N] [--rounds N]

Parts: `loops` (an item of a loop, an ad-hoc command), `converged` (converged fleets in a variable), `files` (converged
fleets in a file, the same with the role, and a plain script that reads the file), `core` (converged fleets without
Ansible), `created` (new customers), `v3` (with API v3, fleets in a file and an item of a loop). Without a part, all of
them run. The tables show medians, and goals where there is one. Standard error says what is measured next.

`--sizes` is for `converged`, `files`, `core` and `v3`. On an idle machine, `files` takes some minutes for 100,000, and
`converged` takes many.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from pathlib import Path

from tests.collection_tree import make_tree

from . import core, files, fleets, loops, v3

PARTS = ("loops", "converged", "files", "core", "created", "v3")


def part(text: str) -> str:
    """The name of a part. Not one of `choices`: without an argument, some Pythons compare the default with them."""
    if text not in PARTS:
        raise argparse.ArgumentTypeError(f"{text} is none of {', '.join(PARTS)}")
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", type=part)
    parser.add_argument("--items", type=int, default=200, help="items of a loop")
    parser.add_argument("--sizes", default="1000,10000", help="of converged fleets")
    parser.add_argument("--new", type=int, default=1000, help="new customers")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    parts = arguments.parts or PARTS
    sizes = [int(size) for size in arguments.sizes.split(",")]
    with tempfile.TemporaryDirectory(prefix="mailfleet-sendgrid-bench-") as scratch:
        folder = Path(scratch)
        tree = make_tree(folder / "collections")
        if "loops" in parts:
            print(loops.tables(folder, tree, arguments.items, arguments.rounds), flush=True)
        if "converged" in parts:
            costs = {size: fleets.converged(folder, tree, size, arguments.rounds) for size in sizes}
            print(fleets.table_of_converged(costs), flush=True)
        if "files" in parts:
            costs = {size: files.measure(folder, tree, size, arguments.rounds) for size in sizes}
            print(files.table_of_files(costs), flush=True)
        if "core" in parts:
            ways = itertools.product(sizes, core.FORMATS)
            figures = {way: core.measure(folder, tree, way[0], arguments.rounds, way[1]) for way in ways}
            print(core.table_of_core(figures), flush=True)
        if "created" in parts:
            made = fleets.created(folder, tree, arguments.new, arguments.rounds)
            looped = fleets.looped(folder, tree, max(2, arguments.items // 4), arguments.rounds)
            print(fleets.table_of_created(made, looped, arguments.new), flush=True)
        if "v3" in parts:
            fleets_of_v3 = v3.fleets(sizes, arguments.new)
            measured = [v3.measure(folder, tree, fleet, arguments.rounds) for fleet in fleets_of_v3]
            print(v3.table_of_fleets(measured), flush=True)
            print(v3.table_of_loop(v3.looped(folder, tree, arguments.items, arguments.rounds)), flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        # Measuring takes long, so ending it early is normal. The tables so far are printed.
        sys.exit(130)
