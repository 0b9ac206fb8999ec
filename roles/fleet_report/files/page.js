/* Copyright: (c) 2026, The mailfleet.sendgrid contributors
   GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
   SPDX-License-Identifier: GPL-3.0-or-later */

"use strict";

// Sorts, filters and pages the table of customers, from what its cells show. Without this script it is a plain table.
(() => {
  const ROWS_ON_A_PAGE = 200;
  const find = (id) => document.getElementById(id);
  const table = find("customers");
  const headers = [...table.tHead.rows[0].cells];
  const rows = [...table.tBodies[0].rows];
  const collator = new Intl.Collator("en", { numeric: true });
  const number = new Intl.NumberFormat("en");
  let ordered = rows;
  let matching = rows;
  let start = 0;

  // Reading the cells of 10,000 rows takes a while, so it is done once for each purpose.
  function remembered(read) {
    const texts = new Map();
    return (row) => {
      if (!texts.has(row)) texts.set(row, read(row));
      return texts.get(row);
    };
  }

  const wholeText = remembered((row) => [...row.cells].map((cell) => cell.textContent).join("\n").toLowerCase());
  const textsOfColumns = headers.map((_, column) => remembered((row) => row.cells[column].textContent));

  function showPage() {
    const end = Math.min(start + ROWS_ON_A_PAGE, matching.length);
    matching.forEach((row, index) => row.classList.toggle("elsewhere", index < start || index >= end));
    const all = `${number.format(rows.length)} ${rows.length === 1 ? "customer" : "customers"}`;
    const found = matching.length < rows.length ? `${number.format(matching.length)} of ${all}` : all;
    const several = matching.length > ROWS_ON_A_PAGE;
    find("shown").textContent = several ? `${found}, ${number.format(start + 1)}–${number.format(end)} shown` : found;
    find("pages").hidden = !several;
    find("previous").disabled = start === 0;
    find("next").disabled = end === matching.length;
  }

  function turn(by) {
    start += by * ROWS_ON_A_PAGE;
    showPage();
    table.scrollIntoView({ block: "nearest" });
  }

  function filter() {
    const words = find("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    matching = ordered.filter((row) => words.every((word) => wholeText(row).includes(word)));
    const kept = new Set(matching);
    rows.forEach((row) => { row.hidden = !kept.has(row); });
    start = 0;
    showPage();
  }

  function sort(column) {
    const header = headers[column];
    const descending = header.getAttribute("aria-sort") === "ascending";
    headers.forEach((other) => other.removeAttribute("aria-sort"));
    header.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const text = textsOfColumns[column];
    const direction = descending ? -1 : 1;
    ordered = [...ordered].sort((one, other) => direction * collator.compare(text(one), text(other)));
    const fragment = document.createDocumentFragment();
    ordered.forEach((row) => fragment.append(row));
    table.tBodies[0].append(fragment);
    filter();
  }

  let pause;
  find("filter").addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(filter, 150);
  });
  find("previous").addEventListener("click", () => turn(-1));
  find("next").addEventListener("click", () => turn(1));
  headers.forEach((header, column) => {
    const button = header.firstElementChild;
    button.disabled = false;
    button.addEventListener("click", () => sort(column));
  });
  find("tools").hidden = false;
  // A browser may have kept what stood in the box when the page was loaded before.
  filter();
})();
