"""What the files of this folder share is importable under its own name."""

import importlib.util
import sys
from pathlib import Path

if "euros" not in sys.modules:
    spec = importlib.util.spec_from_file_location("euros", Path(__file__).with_name("euros.py"))
    sys.modules["euros"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["euros"])
