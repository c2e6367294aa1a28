#!/bin/sh
# Runs the unit tests on every other Python 3.11 or newer that is found: on the PATH, or in a pyenv folder.
own=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
status=0
for minor in 11 12 13 14 15; do
    version="3.$minor"
    [ "$version" = "$own" ] && continue
    found=$(ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$version"*/bin/python 2>/dev/null | tail -n 1)
    [ -n "$found" ] || found=$(command -v "python$version")
    [ -n "$found" ] && "$found" -c 'import venv, ensurepip' 2>/dev/null || continue
    home=".interpreters/$version"
    if [ ! -e "$home/.installed" ] || [ pyproject.toml -nt "$home/.installed" ]; then
        echo "Setting up Python $version in $home ..."
        "$found" -m venv "$home" &&
            "$home/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1" &&
            "$home/bin/python" -m pip install --quiet --disable-pip-version-check --editable . --group dev &&
            touch "$home/.installed" || { status=1; continue; }
    fi
    echo "Unit tests on Python $version:"
    "$home/bin/python" -m pytest -q -n 3 -p no:cacheprovider -W ignore::DeprecationWarning tests/unit || status=1
done
exit $status
