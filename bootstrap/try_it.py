"""Ask the stack's service for a prediction with the example's sample, and print URL, image and answer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

SAMPLE = Path(__file__).resolve().parent.parent / "examples/diabetes/sample.json"
ANSWER_SECONDS = 60


def main() -> int:
    """Return 0 if the service answered with a prediction."""
    command = ["pulumi", "stack", "output", "--json", "--show-secrets"]
    outputs: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    headers = {"Content-Type": "application/json"}
    if key := outputs.get("primary_key"):
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
    return 0


if __name__ == "__main__":
    sys.exit(main())
