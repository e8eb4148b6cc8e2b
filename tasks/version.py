"""Which code decided: the release, and a fingerprint of the mind's own files."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

import portfolio


@cache
def code_version() -> str:
    """`0.1.0+` and 12 hex digits of sha256 over every file of `portfolio/`, in order of name."""
    digest = hashlib.sha256()
    root = Path(portfolio.__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return f"{version('trimtab')}+{digest.hexdigest()[:12]}"
