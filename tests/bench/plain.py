# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same calls by a plain script with requests, without Ansible: what the collection is compared with.

    python plain.py list ADDRESS FORMAT
    python plain.py compare ADDRESS FORMAT FILE
    python plain.py create ADDRESS CONCURRENCY FILE

`FILE` holds customers: to compare, by option name, as JSON or (`.csv`) as CSV; to create, by wire name, as JSON.
Account and key come from the environment.
"""

import concurrent.futures
import csv
import json
import os
import sys

import requests
import requests.adapters
import xmltodict

ACCOUNT = {"api_user": os.environ["SENDGRID_API_USER"], "api_key": os.environ["SENDGRID_API_KEY"]}

# Options that have another name on the wire.
WIRE = {"region": "state"}


def fetch(session, address, answer_format):
    parameters = {"method": "profile", "task": "get", **ACCOUNT}
    answer = session.post(f"{address}/reseller.manage.{answer_format}", data=parameters, timeout=30)
    customers = answer.json() if answer_format == "json" else xmltodict.parse(answer.content)["users"]["user"]
    assert customers[0]["username"]
    return customers


def compare(session, address, answer_format, path):
    """Fails unless each customer is stored as the file has it, as far as the list shows it."""
    with open(path, encoding="utf-8", newline="") as file:
        wanted = list(csv.DictReader(file)) if path.endswith(".csv") else json.load(file)
    stored = {customer["username"]: customer for customer in fetch(session, address, answer_format)}
    shown = next(iter(stored.values()))
    names = [(option, WIRE.get(option, option)) for option in wanted[0] if WIRE.get(option, option) in shown]
    for row in wanted:
        customer = stored[row["username"]]
        for option, wire in names:
            assert row[option] == customer[wire], (row["username"], option)


def create(session, address, concurrency, path):
    with open(path, encoding="utf-8") as file:
        customers = json.load(file)

    def one(customer):
        parameters = {**customer, "confirm_password": customer["password"], **ACCOUNT}
        answer = session.post(f"{address}/reseller.add.json", data=parameters, timeout=30)
        assert answer.json() == {"message": "success"}

    with concurrent.futures.ThreadPoolExecutor(int(concurrency)) as pool:
        list(pool.map(one, customers))


if __name__ == "__main__":
    with requests.Session() as http:
        http.trust_env = False
        http.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=64))
        {"list": fetch, "compare": compare, "create": create}[sys.argv[1]](http, *sys.argv[2:])
