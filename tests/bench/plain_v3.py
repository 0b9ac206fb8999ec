# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same calls of API v3 by a plain pool of threads with requests, without Ansible: what the collection is compared
with.

    python plain_v3.py compare ADDRESS CONCURRENCY FILE
    python plain_v3.py create ADDRESS CONCURRENCY FILE

`FILE` holds customers by option name, as JSON. The key comes from the environment.
"""

import concurrent.futures
import json
import os
import sys
import threading
import urllib.parse

import requests

PAGE = 500
# By option name, members of a row of the list and of a profile.
ROW = {"username": "username", "email": "email"}
PROFILE = {
    **{name: name for name in ("first_name", "last_name", "address", "city", "zip", "country", "phone", "website")},
    "company": "company",
    "region": "state",
}
NOT_FOUND = 404


class Account:
    """The calls, with a kept connection for each thread."""

    def __init__(self, address):
        self._address = address
        self._thread = threading.local()

    def _session(self):
        if not hasattr(self._thread, "session"):
            session = self._thread.session = requests.Session()
            session.trust_env = False
            session.headers["Authorization"] = f"Bearer {os.environ['SENDGRID_API_KEY']}"
        return self._thread.session

    def call(self, verb, path, name=None, **arguments):
        """`name`: of the customer on whose behalf it is."""
        headers = {"On-Behalf-Of": name} if name else {}
        return self._session().request(verb, f"{self._address}{path}", headers=headers, timeout=30, **arguments)

    def read(self, path, name=None, **query):
        answer = self.call("GET", path, name, params=query)
        answer.raise_for_status()
        return answer.json()

    def page(self, offset, **narrowed):
        return self.read("/subusers", limit=PAGE, offset=offset, include_region="true", **narrowed)

    def every_customer(self):
        """By name. The list ends at a page that is empty."""
        stored = {}
        while page := self.page(len(stored)):
            stored.update((row["username"], row) for row in page)
        return stored

    def check_identity(self, row):
        """Fails unless the server heeds the header, and takes the caller for the customer."""
        answer = self.read("/user/username", row["username"])
        assert (answer["username"], answer["user_id"]) == (row["username"], row["id"])


def compare(account, pool, wanted):
    """Fails unless each customer is stored as the file has it."""
    stored = account.every_customer()
    check_members(ROW, [(row, stored[row["username"]]) for row in wanted])
    if PROFILE.keys() & wanted[0].keys():
        account.check_identity(stored[wanted[0]["username"]])
        profiles = pool.map(lambda row: account.read("/user/profile", row["username"]), wanted)
        check_members(PROFILE, zip(wanted, profiles))


def check_members(members, pairs):
    for wanted, stored in pairs:
        for option, member in members.items():
            assert wanted[option] == stored[member], (wanted["username"], option)


def create(account, pool, wanted):
    """Creates customers of which the account has none yet."""
    assert account.every_customer() == {}
    list(pool.map(lambda row: create_one(account, row), wanted))


def create_one(account, row):
    """A list may hide a customer, so it is asked for first; and a creation counts when a read shows it."""
    name = row["username"]
    address = f"/subusers/{urllib.parse.quote(name, safe='')}"
    assert account.call("GET", address, params={"include_region": "true"}).status_code == NOT_FOUND
    body = {option: row[option] for option in ("username", "email", "password")}
    account.call("POST", "/subusers", json=body).raise_for_status()
    account.check_identity(next(found for found in account.page(0, username=name) if found["username"] == name))
    profile = {member: row[option] for option, member in PROFILE.items()}
    account.call("PATCH", "/user/profile", name, json=profile).raise_for_status()


def main(what, address, concurrency, path):
    with open(path, encoding="utf-8") as file:
        wanted = json.load(file)
    with concurrent.futures.ThreadPoolExecutor(int(concurrency)) as pool:
        {"compare": compare, "create": create}[what](Account(address), pool, wanted)


if __name__ == "__main__":
    main(*sys.argv[1:])
