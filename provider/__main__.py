"""Start the aciml plugin; the engine gives its address as the argument and reads the port from standard output."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from aciml.plugin import main

main(sys.argv[1:])
