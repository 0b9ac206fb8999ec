# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check of the documentation site's links: what it finds, and what it lets pass."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.mailfleet.sendgrid.tools.html_links import check

OTHER_PAGE = '<h1 id="top">Other</h1><a name="old-style">x</a>'


def problems(folder: Path, body: str, style: str = "") -> list[str]:
    """What is wrong with a page that has `body`, beside another page and a style sheet."""
    (folder / "guides").mkdir()
    (folder / "guides" / "other page.html").write_text(OTHER_PAGE, encoding="utf-8")
    (folder / "page.html").write_text(body, encoding="utf-8")
    (folder / "style.css").write_text(style, encoding="utf-8")
    pages, found = check(folder)
    assert pages == 2
    return found


@pytest.mark.parametrize(
    "body",
    [
        '<a href="guides/other%20page.html">x</a>',
        '<a href="guides/other%20page.html#top">x</a>',
        '<a href="guides/other%20page.html#old-style">x</a>',
        '<p id="here"><a href="#here">x</a>',
        '<a href="#">x</a>',
        '<a href="https://example.com/elsewhere">x</a> <a href="mailto:mara@lighthouse.example">x</a>',
        '<link rel="stylesheet" href="style.css?v=1">',
        '<link rel="canonical" href="https://example.com/page.html">',
        '<img src="data:image/png;base64,AAAA">',
        "<style>p { background: url(data:image/svg+xml;utf8,x) }</style>",
        "<p>url(https://example.com/in-text.png)</p>",
    ],
)
def test_a_good_page_passes(tmp_path: Path, body: str) -> None:
    assert problems(tmp_path, body, "p { background: url(page.html) }") == []


@pytest.mark.parametrize(
    "address", ["missing.html", "guides/other%20page.html#missing", "#missing", "guides", "guides/page.html"]
)
def test_a_link_that_leads_nowhere_is_found(tmp_path: Path, address: str) -> None:
    assert problems(tmp_path, f'<a href="{address}">x</a>') == [f"page.html: {address} leads nowhere"]


@pytest.mark.parametrize(
    "body",
    [
        '<script src="ADDRESS"></script>',
        '<link rel="stylesheet" href="ADDRESS">',
        '<link rel="preconnect" href="ADDRESS">',
        '<img src="ADDRESS">',
        '<img srcset="page.html 1x, ADDRESS 2x">',
        '<iframe src="ADDRESS"></iframe>',
        "<style>@import 'ADDRESS';</style>",
        '<p style="background: url(ADDRESS)">x</p>',
    ],
)
@pytest.mark.parametrize("address", ["https://example.com/x", "//example.com/x"])
def test_what_loads_from_another_host_is_found(tmp_path: Path, body: str, address: str) -> None:
    assert problems(tmp_path, body.replace("ADDRESS", address)) == [f"page.html: loads {address}"]


@pytest.mark.parametrize("style", ["@import url(ADDRESS);", "@font-face { src: url('ADDRESS') }"])
def test_a_style_sheet_that_loads_from_another_host_is_found(tmp_path: Path, style: str) -> None:
    address = "https://example.com/font.woff2"
    assert problems(tmp_path, "", style.replace("ADDRESS", address)) == [f"style.css: loads {address}"]


def test_what_is_loaded_must_be_there(tmp_path: Path) -> None:
    assert problems(tmp_path, '<script src="missing.js"></script>') == ["page.html: missing.js leads nowhere"]
