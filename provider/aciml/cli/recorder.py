"""Runs a Python program of Pulumi with nobody behind it, and writes down what it declares.

A process of its own, by the program's own Python: it imports the standard library and ``pulumi``, and nothing of ours.
No plugin is started and nothing is asked: what a resource gives back is not known, as in the first preview.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

HOST = "registry-{}.invalid"
"""Login server of the registry that was declared so many resources before: RFC 2606 keeps the name for nobody."""
PENDING = "pending"
"""Tag of an image that is not made; its digest is the number of the resource."""


def record(folder: Path, script: str, project: str, stack: str, unset: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return type, name, inputs (as the engine gets them) and provider of each resource, in order.

    What the program requires of the config and nobody has set is not known. Only numbers, truths and objects end the
    program: Python has no unknown ones.

    Args:
        folder: where the program runs.
        script: path of its entry.
        project: name of the project.
        stack: name of the stack.
        unset: gets key, secrecy and place of each value that is required and not set.
    """
    from google.protobuf.json_format import MessageToDict
    from pulumi.runtime import rpc
    from pulumi.runtime.config import set_all_config
    from pulumi.runtime.mocks import MockMonitor, MockResourceArgs, Mocks, set_mocks
    from pulumi.runtime.stack import run_pulumi_func

    rows = Rows()

    class Nobody(Mocks):
        def call(self, args: Any) -> Any:  # noqa: ARG002  # nobody answers
            return {}

        def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
            made = dict.fromkeys(("id",), rpc.UNKNOWN)
            number, given = rows.asked
            if args.typ == "aciml:registry:ContainerRegistry":
                made["loginServer"] = HOST.format(number)
            if args.typ in ("aciml:image:Environment", "aciml:image:Service"):
                host, repository = given.get("loginServer"), given.get("repository")
                digest = f"sha256:{number:064x}"
                if all(isinstance(one, str) and one != rpc.UNKNOWN for one in (host, repository)):
                    made |= {"image": f"{host}/{repository}:{PENDING}@{digest}", "digest": digest}
            return f"{args.name}-id", {**args.inputs, **made}

    class Monitor(MockMonitor):
        def RegisterResource(self, request: Any) -> Any:  # noqa: N802  # the SDK's name
            # the request itself: the mocks would drop what is unknown, and open what is secret
            inputs = MessageToDict(request.object)
            rows.arrived(request.type, request.name, inputs=inputs, provider=request.provider)
            return super().RegisterResource(request)  # type: ignore[no-untyped-call]

    _in_the_order_of(rows)
    _without_what_is_unset(folder, unset)
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
    return rows.all


class Rows:
    """What is declared, in the order of the program: requests come by several threads, in any order."""

    def __init__(self) -> None:
        """Begin with none."""
        self.all: list[dict[str, Any]] = []
        self._waiting: dict[tuple[str, str], list[int]] = {}
        self._lock = threading.Lock()
        self._now = threading.local()

    def declared(self, kind: str, name: str) -> None:
        """Keep a place for a resource that the program has just declared."""
        with self._lock:
            self._waiting.setdefault((kind, name), []).append(len(self.all))
            self.all.append({"type": kind, "name": name, "inputs": {}, "provider": ""})

    def arrived(self, kind: str, name: str, **facts: Any) -> None:
        """Keep what its request says, in the first place that waits for one of this type and name."""
        if not self._waiting.get((kind, name)):
            # by a way of the SDK that declares nothing first
            self.declared(kind, name)
        with self._lock:
            self._now.number = self._waiting[kind, name].pop(0)
        self.all[self._now.number] |= facts

    @property
    def asked(self) -> tuple[int, dict[str, Any]]:
        """Place and inputs of the resource whose request this thread answers; that of none is the last place."""
        number = getattr(self._now, "number", len(self.all) - 1)
        return number, self.all[number]["inputs"] if self.all else {}


def _in_the_order_of(rows: Rows) -> None:
    """Let the SDK tell of each resource when its object is made; its request is sent later, by another thread."""
    from pulumi import resource

    register = resource.register_resource  # type: ignore[attr-defined]

    def declare(made: Any, kind: str, name: str, *words: Any, **named: Any) -> Any:
        rows.declared(kind, name)
        return register(made, kind, name, *words, **named)

    setattr(resource, "register_resource", declare)  # noqa: B010  # a module of the SDK: its type is fixed


def _without_what_is_unset(folder: Path, unset: list[dict[str, Any]]) -> None:
    """Let a program go on where its config lacks something: one run tells all that is to be set."""
    import asyncio

    from pulumi import Config, Output
    from pulumi.config import ConfigMissingError
    from pulumi.runtime import rpc

    def known(answer: object) -> Any:
        future = asyncio.get_running_loop().create_future()
        future.set_result(answer)
        return future

    def unknown(*, secret: bool) -> Any:
        return Output(set(), known(rpc.UNKNOWN), known(False), known(secret))

    def tolerant(name: str) -> Any:
        ask = getattr(Config, name)

        def asked(self: Any, key: str) -> Any:
            try:
                return ask(self, key)
            except ConfigMissingError as error:
                at = _own_place(traceback.extract_stack(), folder)
                unset.append({"key": error.key, "secret": error.secret, "at": at})
                if error.secret:
                    return unknown(secret=True)
                if name == "require":
                    # the text that stands for an unknown value on the wire; a text made with it is not known either
                    return rpc.UNKNOWN
                raise

        return asked

    for name in [one for one in vars(Config) if one.startswith("require")]:
        setattr(Config, name, tolerant(name))


def main() -> None:
    """Print what is declared, or what ended the program, as JSON: words are folder, script, project and stack."""
    # what the program prints is for people, and not what is recorded
    answer, sys.stdout = sys.stdout, sys.stderr
    folder, script, project, stack = sys.argv[1:]
    unset: list[dict[str, Any]] = []
    try:
        told: dict[str, Any] = {"resources": record(Path(folder), script, project, stack, unset)}
    except (Exception, SystemExit) as error:  # noqa: BLE001  # it is somebody's program: anything may come
        told = {"error": _told(error), "at": _place(error, Path(folder))}
    answer.write(json.dumps(told | {"unset": unset}))


def _told(error: BaseException) -> str:
    # a RunError is what the SDK shows as it is, without its name
    name = type(error).__name__
    return str(error) if name in ("RunError", "ArgumentsError") else f"{name}: {error}"


def _place(error: BaseException, folder: Path) -> list[Any]:
    """Return file and line of the program that the error came from; of a file that is no Python, its own."""
    if isinstance(error, SyntaxError) and error.filename:
        return [error.filename, error.lineno or 1]
    return _own_place(traceback.extract_tb(error.__traceback__), folder)


def _own_place(rows: traceback.StackSummary, folder: Path) -> list[Any]:
    own = [row for row in rows if _is_of(row.filename, folder)]
    return [own[-1].filename, own[-1].lineno] if own else []


def _is_of(file: str, folder: Path) -> bool:
    path = Path(file)
    return path.is_relative_to(folder) and not any(part in ("site-packages", "packages") for part in path.parts)


if __name__ == "__main__":
    main()
