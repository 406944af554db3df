"""``python -m tests.simulators.azure --folder F``: run the emulator and print the provider config that points to it."""

from __future__ import annotations

import argparse
import json
import signal
import threading
from pathlib import Path

from .emulator import running_emulator


def main() -> None:
    """Run until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulators.azure", description="An emulated Azure.")
    parser.add_argument("--folder", type=Path, required=True, help="takes certificates, shares and registry data")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--latency", type=float, default=0, help="seconds added to every answer")
    parser.add_argument("--retry-after", type=float, default=0.02, help="seconds between polls of an operation")
    parser.add_argument("--paper", action="store_true", help="run no containers")
    given = parser.parse_args()
    options = {"port": given.port, "latency": given.latency, "retry_after": given.retry_after}
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with running_emulator(given.folder, containers=not given.paper, **options) as emulator:
        print(json.dumps(emulator.config()), flush=True)
        ended.wait()


if __name__ == "__main__":
    main()
