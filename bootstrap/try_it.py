"""Ask the stack's service for a prediction with the example's sample; print URL, image, answer, and what comes next."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

PROJECT = Path(__file__).resolve().parent.parent
SAMPLE = PROJECT / "examples/diabetes/sample.json"
STACK = "local"
ANSWER_SECONDS = 60


def main() -> int:
    """Return 0 if the service answered with a prediction."""
    command = ["pulumi", "stack", "output", "--json", "--show-secrets", "--stack", STACK]
    # by the CLI: only it has what opens the state
    outputs: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    headers = {"Content-Type": "application/json"}
    if key := outputs.get("primary_key"):
        # a header of this request alone: the line for the user
        # reads the key when it runs (decisions/bootstrap-shell.md)
        headers["Authorization"] = f"Bearer {key}"
    url = outputs["scoring_uri"]
    print(f"\nscoring URL: {url}\nimage:       {outputs['image']}", flush=True)
    try:
        with urlopen(Request(url, SAMPLE.read_bytes(), headers), timeout=ANSWER_SECONDS) as answer:
            print(f"answer:      {answer.status} {answer.read().decode()}", flush=True)
    except HTTPError as error:
        print(f"answer:      {error.code} {error.read().decode(errors='replace')}", file=sys.stderr)
        return 1
    except (URLError, OSError) as error:
        print(f"{url} does not answer ({error}); run: docker ps", file=sys.stderr)
        return 1
    print(f"\nask it yourself:\n{curl_line(url, with_key=bool(key))}\n")
    print('next:        make pulumi ARGS="preview --diff"   what a change would do\n             make down   remove it')
    return 0


def curl_line(url: str, *, with_key: bool) -> str:
    """Return a line that asks for a prediction from any shell and folder; the key is read when it runs."""
    parts = ["curl", "-sS", shlex.quote(url), "-H", "'Content-Type: application/json'"]
    if with_key:
        arguments = shlex.quote(f"ARGS=stack output primary_key --show-secrets --stack {STACK}")
        parts += ["-H", f'"Authorization: Bearer $(make -s -C {shlex.quote(str(PROJECT))} pulumi {arguments})"']
    return " ".join([*parts, "--data-binary", shlex.quote(f"@{SAMPLE}")])


if __name__ == "__main__":
    sys.exit(main())
