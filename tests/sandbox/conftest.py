"""Lets the tests of the sandbox import ``sandbox_helpers``, which lies beside them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
