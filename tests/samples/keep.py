"""Puts a data folder and what was answered for it where tests find them: each file compressed by itself.

Knows files; not what is in them.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import zstandard

LEVEL = 19
# Made anew by whoever opens the folder.
LEFT_OUT = ("evalset.lock", "evalset.db-shm")


def files(data: Path, out: Path) -> int:
    """Copies a data folder; how many bytes it takes now."""
    if out.exists():
        shutil.rmtree(out)
    size = 0
    for file in sorted(path for path in data.rglob("*") if path.is_file() and path.name not in LEFT_OUT):
        packed = zstandard.ZstdCompressor(level=LEVEL).compress(file.read_bytes())
        target = out / file.relative_to(data)
        target = target.with_name(target.name + ".zst")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(packed)
        size += len(packed)
    return size


def answers(found: dict[str, Any], path: Path) -> int:
    """Writes what was answered, one exchange a line, so that a difference can be read; how many bytes."""
    lines = ["{"]
    for name, value in found.items():
        last = "," if name != list(found)[-1] else ""
        if isinstance(value, list):
            rows = ",\n".join("  " + json.dumps(each, ensure_ascii=False) for each in value)
            lines.append(f'"{name}": [\n{rows}\n]{last}')
        else:
            lines.append(f'"{name}": {json.dumps(value, ensure_ascii=False)}{last}')
    text = "\n".join([*lines, "}"]) + "\n"
    path.write_bytes(zstandard.ZstdCompressor(level=LEVEL).compress(text.encode(errors="surrogatepass")))
    return path.stat().st_size
