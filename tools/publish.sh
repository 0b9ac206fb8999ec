#!/bin/sh
# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Publish a tarball of the collection: publish.sh TARBALL
#
# The workflow "Release" runs this, with a token in the variable GALAXY_TOKEN. The token goes into a file that only this
# user can read: every user of the machine can read a command line.

set -eu

tarball=$1

if [ -z "${GALAXY_TOKEN:-}" ]; then
    echo "Set GALAXY_TOKEN to a token of the account that publishes the collection." >&2
    exit 1
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

# printf is a part of the shell, so this starts no program.
(umask 077 && printf "token: '%s'\n" "$GALAXY_TOKEN" >"$scratch/token")
unset GALAXY_TOKEN

ANSIBLE_GALAXY_TOKEN_PATH="$scratch/token" .venv/bin/ansible-galaxy collection publish "$tarball"
