#!/bin/sh
# Makes .venv with every package that requirements-dev.txt pins and this project itself. Needs uv, or any Python from 3.8 with venv or pip.
# Does nothing when nothing changed since the last time. Works without a network when the package caches are filled.
set -eu
cd "$(dirname "$0")/.."
unset VIRTUAL_ENV CONDA_PREFIX UV_SYSTEM_PYTHON
export PIP_DISABLE_PIP_VERSION_CHECK=1

stamp=.venv/.installed
state=$(cat pyproject.toml requirements-dev.txt .python-version tools/install.sh | cksum; printf '%s\n' "$PWD")
if [ -x .venv/bin/rowsmith ] && [ "$(cat "$stamp" 2>/dev/null)" = "$state" ]; then exit 0; fi

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "error: $1"
    say ""
    say "  = hint: $2"
    exit 4
}

# The first Python that can run pip for the pinned uv.
find_python() {
    for python in python3 python /usr/bin/python3 python3.14 python3.13 python3.12 python3.11; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' >/dev/null 2>&1; then
            printf '%s\n' "$python"
            return
        fi
    done
    fail "no Python 3.8 or newer was found" "install python3 (Debian, Ubuntu: apt install python3 python3-venv), then run make again"
}

# Installs the pinned uv into .uv, from a wheel that is kept in the user's cache so that the next clone needs no network.
fetch_uv() {
    python=$(find_python) || exit $?
    rm -rf .uv
    mkdir .uv
    wheels=${XDG_CACHE_HOME:-${HOME:-.uv}/.cache}/rowsmith/wheels
    mkdir -p "$wheels" 2>/dev/null && [ -w "$wheels" ] || wheels=$PWD/.uv/wheels
    if "$python" -m venv .uv/venv >/dev/null 2>&1; then
        pip() { .uv/venv/bin/python -m pip "$@"; }
    elif "$python" -m pip --version >/dev/null 2>&1; then
        pip() { "$python" -m pip "$@"; }
    else
        rm -rf .uv
        fail "$("$python" --version) has neither venv nor pip" \
            "install one (Debian, Ubuntu: apt install python3-venv), or install uv, then run make again"
    fi
    awk '/^uv==/ {on = 1} on && !/^(uv==| +--hash)/ {exit} on {print}' requirements-dev.txt > .uv/requirements.txt
    place() { pip install --quiet --no-index --find-links "$wheels" --require-hashes --target .uv/lib -r .uv/requirements.txt; }
    if ! place 2>/dev/null; then
        say "Fetching $(sed -n 's/==/ /; s/ *\\//; 1p' .uv/requirements.txt) ..."
        pip download --quiet --no-deps --require-hashes --dest "$wheels" -r .uv/requirements.txt ||
            fail "uv could not be fetched" "check the network, or install uv yourself, then run make again"
        place
    fi
    rm -rf .uv/venv
}

find_uv() {
    for uv in .venv/bin/uv .uv/lib/bin/uv uv; do
        if "$uv" --version >/dev/null 2>&1; then return; fi
    done
    fetch_uv
    uv=.uv/lib/bin/uv
}

# An environment whose Python is too old or gone, or that was moved: its programs know their place.
drop_unusable_environment() {
    if [ -f "$stamp" ] && [ "$(tail -n 1 "$stamp")" != "$PWD" ]; then rm -rf .venv; fi
    has_environment || rm -rf .venv
}

has_environment() { .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 13))' >/dev/null 2>&1; }

# The interpreter that .python-version names, or any newer one; uv fetches one where none is installed.
make_environment() {
    has_environment || "$uv" venv --quiet .venv 2>/dev/null || "$uv" venv --quiet --python '>=3.13' .venv ||
        fail "no Python 3.13 or newer could be found or fetched" "install one, then run make again"
}

install_packages() {
    pinned="--require-hashes -r requirements-dev.txt"
    # shellcheck disable=SC2086  # several words on purpose
    if ! "$uv" pip install --quiet --python .venv/bin/python --offline $pinned 2>/dev/null; then
        say "Installing $(grep -c '^[a-z].*==' requirements-dev.txt) packages into .venv ..."
        "$uv" pip install --quiet --python .venv/bin/python $pinned ||
            fail "the packages of requirements-dev.txt could not be installed" "check the network, then run make again"
    fi
    # The build backend is one of the pinned packages: nothing is fetched for this.
    "$uv" pip install --quiet --python .venv/bin/python --offline --no-deps --no-build-isolation --editable . ||
        fail "the project itself could not be installed" "say so in an issue, with the lines above"
}

drop_unusable_environment
find_uv
make_environment
install_packages
printf '%s\n' "$state" > "$stamp"
