#!/bin/sh
# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Make a new virtual environment and install a lock file into it: make_env.sh PYTHON FOLDER LOCK
#
# It installs only files with a hash in a lock file.

set -eu

python=$1
folder=$2
lock=$3

stop() {
    echo "$*" >&2
    exit 1
}

check_python() {
    command -v "$python" >/dev/null || stop \
        "There is no '$python' here. Python 3.10 or newer is needed; name it with PYTHON=..."
    "$python" -c '' 2>/dev/null || stop \
        "'$python' does not start. Python 3.10 or newer is needed; name it with PYTHON=..."
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || stop \
        "Python 3.10 or newer is needed, but '$python' is $("$python" -V 2>&1). Name a newer one, as in: make test PYTHON=python3.12"
    "$python" -c 'import ensurepip, venv' 2>/dev/null || stop \
        "'$python' cannot make virtual environments. On Debian and Ubuntu the package python3-venv brings that."
}

# uv takes half the time of pip. If uv does not run, or does not reach the registry that pip uses, pip takes over.
install() {
    with_uv "$1" 2>/dev/null || "$1" -m pip install -qq --require-hashes -r "$lock"
}

with_uv() {
    locked_uv >"$folder/uv.txt" &&
        "$1" -m pip install -qq --only-binary :all: --require-hashes -r "$folder/uv.txt" &&
        UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_NO_CONFIG=1 \
            "$1" -m uv pip install --quiet --require-hashes --python "$1" -r "$lock"
}

# The version of uv, and its hashes in the lines below.
locked_uv() {
    sed -n '/^uv==/,/[^\]$/p' tests/requirements/lint.txt
}

make_env() {
    echo "Making $folder with $("$python" -V) from $lock"
    "$python" -m venv --clear "$folder"
    install "$folder/bin/python"
}

# The Makefile reads this to see whether the environment is still usable.
note_origin() {
    echo "$python $PWD" >"$folder/.made-for"
}

check_python
make_env
note_origin
