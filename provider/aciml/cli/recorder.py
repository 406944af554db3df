"""Runs a Python program of Pulumi with nobody behind it, and writes down what it declares.

A process of its own, by the program's own Python: it imports the standard library and ``pulumi``, and nothing of ours.
No plugin is started and nothing is asked: what a resource gives back is not known, as in the first preview.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import traceback
from pathlib import Path
from typing import Any

HOST = "registry-{}.invalid"
"""Login server of the registry that was declared so many resources before: RFC 2606 keeps the name for nobody."""
PENDING = "pending"
"""Tag of an image that is not made; its digest is the number of the resource."""


def record(folder: Path, script: str, project: str, stack: str) -> list[dict[str, Any]]:
    """Return type, name, inputs (as the engine gets them) and provider of each resource, in order.

    Args:
        folder: where the program runs.
        script: path of its entry.
        project: name of the project.
        stack: name of the stack.
    """
    from google.protobuf.json_format import MessageToDict
    from pulumi.runtime import rpc
    from pulumi.runtime.config import set_all_config
    from pulumi.runtime.mocks import MockMonitor, MockResourceArgs, Mocks, set_mocks
    from pulumi.runtime.stack import run_pulumi_func

    seen: list[dict[str, Any]] = []

    class Nobody(Mocks):
        def call(self, args: Any) -> Any:  # noqa: ARG002  # nobody answers
            return {}

        def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
            made = dict.fromkeys(("id",), rpc.UNKNOWN)
            given = seen[-1]["inputs"] if seen else {}
            if args.typ == "aciml:registry:ContainerRegistry":
                made["loginServer"] = HOST.format(len(seen) - 1)
            if args.typ in ("aciml:image:Environment", "aciml:image:Service"):
                host, repository = given.get("loginServer"), given.get("repository")
                digest = f"sha256:{len(seen) - 1:064x}"
                if all(isinstance(one, str) and one != rpc.UNKNOWN for one in (host, repository)):
                    made |= {"image": f"{host}/{repository}:{PENDING}@{digest}", "digest": digest}
            return f"{args.name}-id", {**args.inputs, **made}

    class Monitor(MockMonitor):
        def RegisterResource(self, request: Any) -> Any:  # noqa: N802  # the SDK's name
            # the request itself: the mocks would drop what is unknown, and open what is secret
            inputs = MessageToDict(request.object)
            seen.append({"type": request.type, "name": request.name, "inputs": inputs, "provider": request.provider})
            return super().RegisterResource(request)  # type: ignore[no-untyped-call]

    set_mocks(mocks := Nobody(), project, stack, preview=True, monitor=Monitor(mocks))
    # the SDK reads which keys are secret only where an engine has started it
    set_all_config(*(json.loads(os.environ[name]) for name in ("PULUMI_CONFIG", "PULUMI_CONFIG_SECRET_KEYS")))
    os.chdir(folder)
    sys.path[0] = str(folder)
    sys.argv = [script]

    async def run() -> None:
        try:
            runpy.run_path(script, run_name="__main__")
        except SystemExit as error:
            if error.code:
                raise

    from pulumi.runtime.sync_await import _sync_await

    _sync_await(run_pulumi_func(run))
    return seen


def main() -> None:
    """Print what is declared, or what ended the program, as JSON: words are folder, script, project and stack."""
    # what the program prints is for people, and not what is recorded
    answer, sys.stdout = sys.stdout, sys.stderr
    folder, script, project, stack = sys.argv[1:]
    try:
        told: dict[str, Any] = {"resources": record(Path(folder), script, project, stack)}
    except (Exception, SystemExit) as error:  # noqa: BLE001  # it is somebody's program: anything may come
        told = {"error": _told(error), "at": _place(error, Path(folder))}
    answer.write(json.dumps(told))


def _told(error: BaseException) -> str:
    # a RunError is what the SDK shows as it is, without its name
    name = type(error).__name__
    return str(error) if name in ("RunError", "ArgumentsError") else f"{name}: {error}"


def _place(error: BaseException, folder: Path) -> list[Any]:
    """Return file and line of the program that the error came from; of a file that is no Python, its own."""
    if isinstance(error, SyntaxError) and error.filename:
        return [error.filename, error.lineno or 1]
    rows = [row for row in traceback.extract_tb(error.__traceback__) if _is_of(row.filename, folder)]
    return [rows[-1].filename, rows[-1].lineno] if rows else []


def _is_of(file: str, folder: Path) -> bool:
    path = Path(file)
    return path.is_relative_to(folder) and not any(part in ("site-packages", "packages") for part in path.parts)


if __name__ == "__main__":
    main()
