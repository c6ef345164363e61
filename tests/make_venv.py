#!/usr/bin/env python3
"""Makes the virtual environment of the black-box tests, and beside it one folder for each older client.

Knows pip and `requirements.txt`; nothing of the server. Run it as often as you like: a stamp of the inputs makes it return
at once when nothing changed. Needs the network (PyPI) only when something did.

    python3 tests/make_venv.py            -> .venv/bin/python, .venv/clients/<version>/respan
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

TESTS = Path(__file__).resolve().parent
VENV = TESTS.parent / ".venv"
REQUIREMENTS = TESTS / "requirements.txt"
CLIENTS = VENV / "clients"
STAMP = VENV / "tests.stamp"
# The newest client is in requirements.txt; these share its dependencies but not its code.
OLD_CLIENTS = ("0.1.12", "0.1.25", "0.1.36")


def inputs_hash() -> str:
    """What the environment is made from: changes here rebuild it."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes())
    digest.update(repr((OLD_CLIENTS, sys.version_info[:2])).encode())
    return digest.hexdigest()


def pip(*arguments: str) -> None:
    """Runs the environment's pip, quietly; a failure ends the script with pip's own message."""
    command = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    result = subprocess.run(command, check=False)
    if result.returncode != 0:
        sys.exit(f"make_venv: `{' '.join(command)}` failed with {result.returncode}")


def main() -> None:
    """Brings the environment up to date."""
    wanted = inputs_hash()
    python = VENV / "bin" / "python"
    if python.exists() and STAMP.exists() and STAMP.read_text() == wanted:
        return
    if not python.exists():
        print(f"make_venv: creating {VENV}", file=sys.stderr)
        venv.create(VENV, with_pip=True)
    print("make_venv: installing the test requirements", file=sys.stderr)
    pip("install", "--requirement", str(REQUIREMENTS))
    for version in OLD_CLIENTS:
        target = CLIENTS / version
        if not (target / "respan").is_dir():
            print(f"make_venv: installing respan-api {version} into {target}", file=sys.stderr)
            pip("install", "--no-deps", "--target", str(target), f"respan-api=={version}")
    STAMP.write_text(wanted)


if __name__ == "__main__":
    main()
