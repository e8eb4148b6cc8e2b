"""What stands in for vendors in the sources' tests serves here too: `replay` and `charts`, importable under their names."""

import importlib.util
import sys
from pathlib import Path

for _name in ("replay", "charts"):
    if _name not in sys.modules:
        _spec = importlib.util.spec_from_file_location(_name, Path(__file__).parents[1] / "sources" / f"{_name}.py")
        assert _spec and _spec.loader
        sys.modules[_name] = importlib.util.module_from_spec(_spec)
        _spec.loader.exec_module(sys.modules[_name])
