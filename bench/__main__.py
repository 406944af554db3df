"""Run all benches, one after the other, within half an hour: ``make bench`` (``python -m bench [NAME ...]``).

It writes ``bench/RESULTS.md`` (when all were run) and adds to ``bench/history.jsonl``. The exit code is 1 if a bench
could not be run or a figure fell by a fifth; ``--strict`` adds goals that are missed. Peers are installed by uv when a
bench needs them, each in an environment of its own below the user's cache, so that our locks do not know them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from .goals import BENCHES, Bench
from .machine import this_machine
from .results import Measured, Row, figures_of, page, read_history, regressions, shown

FOLDER = Path(__file__).resolve().parent
_PATIENCE = 30.0  # seconds that a bench that is ended may take to remove what it made


def main() -> int:
    """Measure, write, and say what got worse."""
    names = sorted({bench.name for bench in BENCHES})
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these, and no page: {', '.join(names)}")
    parser.add_argument("--strict", action="store_true", help="fail when a goal is missed, too")
    parser.add_argument("--dry", action="store_true", help="write neither the page nor the history")
    wishes = parser.parse_args()
    if strange := sorted(set(wishes.names) - set(names)):
        parser.error(f"there is no bench {', '.join(strange)}; there are {', '.join(names)}")
    chosen = [bench for bench in BENCHES if not wishes.names or bench.name in wishes.names]
    # a shell that puts us in the background has children ignore ctrl-C, by which a bench is ended
    signal.signal(signal.SIGINT, signal.default_int_handler)
    results = [measure(bench) for bench in chosen]
    machine, now = str(this_machine()), datetime.now(UTC)
    history = read_history(_text(FOLDER / "history.jsonl"))
    worse = regressions(results, history, machine)
    if not wishes.dry:
        day, at = now.strftime("%Y-%m-%d"), commit()
        add(results, machine, day, at)
        if not wishes.names:
            (FOLDER / "RESULTS.md").write_text(page(results, history, machine, day, at), encoding="utf-8")
    return _verdict(results, worse, strict=wishes.strict)


def _verdict(results: Sequence[Measured], worse: Sequence[str], *, strict: bool) -> int:
    faults = [f"bench/{result.bench.name}.py: {result.fault}" for result in results if result.fault]
    missed = [
        f"goal missed: {figure.name} is {shown(result.values[figure.name])}, not {figure.goal}"
        for result in results
        for figure in result.bench.figures
        if figure.name in result.values and not figure.met(result.values[figure.name])
    ]
    for text in (*missed, *worse, *faults):
        print(text)
    return 1 if worse or faults or (strict and missed) else 0


def measure(bench: Bench) -> Measured:
    """Run one bench in a process group of its own; what it says goes to standard error as it comes."""
    lacking = [name for name in bench.needs if not shutil.which(name)]
    if lacking:
        return Measured(bench, {}, f"{', '.join(lacking)} is not on PATH")
    print(f"bench/{bench.name}.py {' '.join(bench.words)}", file=sys.stderr, flush=True)
    began = time.monotonic()
    command = [sys.executable, str(FOLDER / f"{bench.name}.py"), *bench.words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        said, _ = process.communicate(timeout=bench.minutes * 60)
    except subprocess.TimeoutExpired:
        said = _end(process)
        return Measured(bench, figures_of(said, bench), f"it was ended after {bench.minutes:g} minutes")
    except BaseException:  # ctrl-C reaches this process alone, since the bench leads a session
        _end(process)
        raise
    print(f"  {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return _judged(bench, figures_of(said, bench), process.returncode)


def _judged(bench: Bench, values: dict[str, float], code: int) -> Measured:
    missing = [figure.name for figure in bench.figures if figure.name not in values]
    if missing:
        return Measured(bench, values, f"it ended with code {code} without {', '.join(missing)}")
    return Measured(bench, values)


def _end(process: subprocess.Popen[str]) -> str:
    """End a bench and what it started: first so that it can clean up, then for good."""
    os.killpg(process.pid, signal.SIGINT)
    try:
        return process.communicate(timeout=_PATIENCE)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()[0]


def add(results: Sequence[Measured], machine: str, date: str, at: str) -> None:
    """Add what was measured to the history."""
    rows = [
        Row(date, at, machine, result.bench.name, name, value)
        for result in results
        for name, value in result.values.items()
    ]
    with (FOLDER / "history.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(f"{row.line()}\n" for row in rows)


def commit() -> str:
    """Return the commit that was measured, with a plus if files of it were changed."""
    asked = ["git", "-C", str(FOLDER), "describe", "--always", "--abbrev=10", "--dirty=+", "--exclude=*"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "not known"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


if __name__ == "__main__":
    sys.exit(main())
