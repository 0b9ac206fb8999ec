#!/bin/sh
# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Open a pull request with the locks as they are now, and start CI for it: propose_locks.sh CHANGES
#
# CHANGES is a file with the output of `make locks`. The workflow "Locks" runs this, with a token for gh that may write
# contents, pull requests and actions.

set -eu

changes=$1
branch=upgrade-locks
title="Locks: newer versions"

stop_if_nothing_changed() {
    if git diff --quiet -- tests/requirements; then
        echo "No lock has changed."
        exit 0
    fi
}

# Somebody may have added commits to its branch.
stop_if_one_is_open() {
    open=$(gh pr list --head "$branch" --state open --json url --jq '.[].url')
    if [ -n "$open" ]; then
        echo "Merge or close the last upgrade first: $open" >&2
        exit 1
    fi
}

push() {
    git switch --quiet --create "$branch"
    git -c user.name="github-actions[bot]" -c user.email="41898282+github-actions[bot]@users.noreply.github.com" \
        commit --quiet --message "$title" --message "$(cat "$changes")" -- tests/requirements
    gh auth setup-git
    git push --quiet --force origin "$branch"
}

cat "$changes"
stop_if_nothing_changed
stop_if_one_is_open
push
gh pr create --base main --head "$branch" --title "$title" --body-file "$changes"
# A pull request that a workflow opens does not start other workflows.
gh workflow run ci.yml --ref "$branch"
