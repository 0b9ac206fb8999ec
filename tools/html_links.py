# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find links of HTML pages that lead nowhere, and files that a page would load from another host."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Attributes with an address that a browser loads by itself. A link that somebody clicks may lead anywhere.
LOADED = frozenset(
    [("link", "href"), ("object", "data"), ("use", "href"), ("image", "href"), ("video", "poster")]
    + [(tag, "src") for tag in ("script", "img", "iframe", "source", "video", "audio", "embed", "input", "track")]
    + [(tag, "srcset") for tag in ("img", "source")]
)
LINKED = frozenset([("a", "href"), ("area", "href"), ("form", "action")])
# What names a page, and loads nothing.
_NAMES_ONLY = {"canonical", "alternate", "author", "license"}
_LOADED_BY_STYLE = re.compile(r"""(?:url\(\s*|@import\s+)["']?((?:[a-z]+:)?//[^"')\s]*)""", re.IGNORECASE)


@dataclass
class Page:
    """What to check on one page."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)


def check(folder: Path) -> tuple[int, list[str]]:
    """The number of pages in `folder`, and a sentence for each problem."""
    pages = {path.resolve(): read(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.html"))}
    problems = [
        f"{path.relative_to(folder.resolve())}: {problem}"
        for path, page in pages.items()
        for problem in [*_loads_elsewhere(page), *_dead_ends(path, page, pages)]
    ]
    styles = {path: _LOADED_BY_STYLE.findall(path.read_text(encoding="utf-8")) for path in folder.rglob("*.css")}
    problems += [f"{path.relative_to(folder)}: loads {address}" for path, found in styles.items() for address in found]
    return len(pages), problems


def read(html: str) -> Page:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.page


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attrs if value is not None}
        self._in_style = tag == "style"
        self.page.anchors.update(given[name] for name in ("id", "name") if name in given)
        self.page.loads += _LOADED_BY_STYLE.findall(given.get("style", ""))
        names_only = tag == "link" and set(given.get("rel", "").split()) & _NAMES_ONLY
        for name, value in given.items():
            if (tag, name) in LINKED:
                self.page.links.append(value)
            elif (tag, name) in LOADED and not names_only:
                self.page.loads += _addresses(name, value)

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.page.loads += _LOADED_BY_STYLE.findall(data)

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False


def _addresses(attribute: str, value: str) -> list[str]:
    """The addresses of an attribute. `srcset` has several, each one followed by a size."""
    return [part.split()[0] for part in value.split(",") if part.split()] if attribute == "srcset" else [value]


def _loads_elsewhere(page: Page) -> list[str]:
    return [f"loads {address}" for address in page.loads if urlsplit(address).netloc]


def _dead_ends(path: Path, page: Page, pages: dict[Path, Page]) -> list[str]:
    """The targets of links and loads of a page that do not exist."""
    return [
        f"{address} leads nowhere"
        for address in [*page.links, *page.loads]
        if not urlsplit(address).scheme and not urlsplit(address).netloc and not _leads_somewhere(path, address, pages)
    ]


def _leads_somewhere(path: Path, address: str, pages: dict[Path, Page]) -> bool:
    parts = urlsplit(address)
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    anchor = unquote(parts.fragment)
    if not target.is_file():
        return False
    return not anchor or target not in pages or anchor in pages[target].anchors
