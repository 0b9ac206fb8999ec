# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picture of the fleet report. No test needs a browser: they look at the page, and at the picture that is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools import report_picture
from tools.report_picture import HEIGHT, LARGEST, PICTURE, WIDTH, PictureError, check, size_of

ROOT = Path(__file__).resolve().parents[2]
# The signature, the head of the first chunk, and 1000 x 2.
PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + b"\0\0\x03\xe8" + b"\0\0\0\x02"


def test_the_readme_shows_the_picture() -> None:
    [(alternative, path)] = re.findall(r"^!\[(.+?)\]\((.+?)\)$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert ROOT / path == PICTURE
    assert len(alternative) > 40
    check(PICTURE.read_bytes())


def test_the_page_compares_the_demo_with_its_fleet(tmp_path: Path) -> None:
    page = report_picture.write_page(tmp_path).read_text("utf-8")
    assert f"<title>{report_picture.TITLE}</title>" in page
    assert re.search(r"To delete.*olga@old\.example", page, re.DOTALL)


def test_the_size_in_pixels() -> None:
    assert size_of(PNG) == (1000, 2)
    for content in (b"", PNG[:20], PNG.replace(b"PNG", b"JPG")):
        with pytest.raises(PictureError, match="it is no PNG"):
            size_of(content)


def test_a_picture_of_another_size_is_refused() -> None:
    with pytest.raises(PictureError, match=f"{WIDTH} x {HEIGHT} pixels, and has 1000 x 2"):
        check(PNG)
    picture = PICTURE.read_bytes()
    check(picture.ljust(LARGEST, b"\0"))
    with pytest.raises(PictureError, match="it may have 100,000 bytes, and has 100,001"):
        check(picture.ljust(LARGEST + 1, b"\0"))


def browser(folder: Path, script: str) -> None:
    """A program that stands in for the browser."""
    program = folder / report_picture.BROWSERS[-1]
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)


def test_the_browser_takes_the_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr(report_picture, "BROWSERS", report_picture.BROWSERS[-1:])
    browser(tmp_path, f'for option; do case $option in --screenshot=*) cp "{PICTURE}" "${{option#*=}}";; esac; done')
    picture = tmp_path / "images" / "picture.png"
    report_picture.take_picture(report_picture.find_browser(), tmp_path / "page.html", picture)
    assert picture.read_bytes() == PICTURE.read_bytes()


def test_a_browser_that_fails_leaves_the_picture_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr(report_picture, "BROWSERS", report_picture.BROWSERS[-1:])
    browser(tmp_path, "echo broken >&2; exit 3")
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"old")
    with pytest.raises(PictureError, match="ended with status 3.\nbroken"):
        report_picture.take_picture(report_picture.find_browser(), tmp_path / "page.html", picture)
    assert picture.read_bytes() == b"old"


def test_without_a_browser_it_says_which_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    monkeypatch.setattr(report_picture, "write_page", lambda _folder: page)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert report_picture.main([str(tmp_path / "picture.png")]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == (
        "",
        f"No picture: it takes a browser, one of {', '.join(report_picture.BROWSERS)}.\n",
    )
