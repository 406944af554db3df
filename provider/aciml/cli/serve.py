"""``aciml serve``: the scoring server on this machine, with the files and packages that are here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ..core.errors import UserError
from ..server_files import NEEDS, SERVER, VERSION
from .stack import complete_stack, project_folder
from .terminal import say

# uvloop and orjson are used if they are there (decisions/scoring-server.md)
_NEEDS = ("httptools",)
_PATH = click.Path(path_type=Path)


@dataclass(frozen=True)
class _Wish:
    """What was asked for, in the words of the options."""

    stack: str | None
    project: Path | None
    name: str
    source: Path | None
    entry_script: str | None
    models_dir: Path | None
    port: int | None
    host: str | None
    python: str
    no_reload: bool


@click.command("serve")
@click.option(
    "--stack", shell_complete=complete_stack, help="Take script, models and variables from what this stack declares."
)
@click.option("--project", type=_PATH, help="Folder of Pulumi.yaml; found from the current one without it.")
@click.option("--name", default="", help="With --stack: name of the service, if there are several.")
@click.option("--source", type=_PATH, help="Folder of the script; the current one without it.")
@click.option("--entry-script", help="The script, relative to the source; score.py without it.")
@click.option("--models-dir", type=_PATH, help="What AZUREML_MODEL_DIR is.")
@click.option("--port", type=int, help="Port; 5001 without it, 0 takes a free one.")
@click.option("--host", help="Address to listen on; 127.0.0.1 without it.")
@click.option(
    "--python", default=sys.executable, show_default="this one", help="Python that has the script's packages."
)
@click.option("--no-reload", is_flag=True, help="Do not look for changes of files.")
def command(**options: Any) -> int:
    """Run the scoring server on this machine, with the files and packages that are here, until ctrl-C.

    The script's packages are those of the Python that runs it: --python, else the one that is active. The variables of
    the server are taken from the environment. A changed file of the source is loaded again. Ends with the server's exit
    code: 0, 1 (it cannot listen) or 3 (the script cannot serve).
    """
    wish = _Wish(**options)
    service, home = _service(wish)
    source = _folder(wish.source or home / str(service.get("sourceDirectory", ".")), "the source")
    entry = str(wish.entry_script or service.get("entryScript") or "score.py")
    if not (source / entry).is_file():
        raise UserError(f"{source / entry} does not exist", "name the script by --entry-script, its folder by --source")
    if not os.access(source / entry, os.R_OK):
        raise UserError(f"{source / entry} cannot be read: Permission denied", "give yourself the right")
    _look_for_needs(wish.python)
    said = {**_settings(service), **_paths(source, entry, service), **_models(wish, service, home), **_places(wish)}
    return _serve(wish.python, {**os.environ, **said})


def _service(wish: _Wish) -> tuple[Mapping[str, Any], Path]:
    """Return the stack's section of the service and the project's folder, or nothing and the current folder."""
    if not wish.stack:
        if wish.name:
            raise UserError("--name is that of a service of a stack", "give --stack as well")
        return {}, Path.cwd()
    # without --stack neither a project nor Pulumi's SDK is needed
    from .sections import service_of

    folder = project_folder(wish.project or Path.cwd())
    return service_of(wish.stack, folder, wish.name), folder


def _settings(service: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that the section says, in the words of the container."""
    from ..model.declared import read
    from ..model.server import Server, variables_of

    given = {str(name): str(value) for name, value in dict(service.get("environmentVariables") or {}).items()}
    return {**given, **variables_of(read(Server, dict(service)), secret=False)}


def _paths(source: Path, entry: str, service: Mapping[str, Any]) -> dict[str, str]:
    scripts = {name: f"{source.name}/{script}" for name, script in dict(service.get("scripts") or {}).items()}
    return {
        "AML_APP_ROOT": str(source.parent),
        "AZUREML_SOURCE_DIRECTORY": source.name,
        "AZUREML_ENTRY_SCRIPT": f"{source.name}/{entry}",
        **({"ACIML_MODELS": json.dumps(scripts)} if scripts else {}),
    }


def _models(wish: _Wish, service: Mapping[str, Any], home: Path) -> dict[str, str]:
    """Return where the models are: the given folder, or that of the stack's one model."""
    if wish.models_dir:
        return {"AZUREML_MODEL_DIR": str(_folder(wish.models_dir, "the models"))}
    named = dict(service.get("models") or {})
    if len(named) > 1 and "AZUREML_MODEL_DIR" not in os.environ:
        why = f"the service has {len(named)} models, which the image has in folders azureml-models/<name>/<version>"
        raise UserError(why, "lay them so, and name the folder by --models-dir")
    # in the image the model is alone in a folder, which the variable names; here that is the folder that it lies in
    for path in (home / str(place) for place in named.values()):
        return {"AZUREML_MODEL_DIR": str(path.resolve().parent)}
    return {}


def _places(wish: _Wish) -> dict[str, str]:
    # the server's own address is for containers, whose host opens the port; here everybody in the
    # network could call. No health port: nobody probes, and a second script could not have it too
    said = {"ACIML_HOST": wish.host or os.environ.get("ACIML_HOST", "127.0.0.1"), "ACIML_HEALTH_PORT": "off"}
    said |= {"ACIML_PORT": str(wish.port)} if wish.port is not None else {}
    return {**said, "ACIML_VERSION": VERSION, "ACIML_RELOAD": "false" if wish.no_reload else "true"}


def _folder(path: Path, what: str) -> Path:
    if not path.is_dir():
        raise UserError(f"{path} is not a folder", f"name that of {what}")
    return path.resolve()


def _look_for_needs(python: str) -> None:
    """Tell now what the server would end with.

    Raises:
        UserError: there is no such Python, or it lacks what the server needs.
    """
    ask = f"import importlib.util as u; print(*[n for n in {_NEEDS!r} if u.find_spec(n) is None])"
    try:
        done = subprocess.run([python, "-c", ask], check=False, capture_output=True, text=True)
    except OSError as error:
        raise UserError(f"{python} cannot be run: {error.strerror}", "name a Python by --python") from error
    if lacking := done.stdout.split():
        command = f'"{python}" -m pip install -r "{NEEDS}"'
        raise UserError(
            f"{python} has no {', '.join(lacking)}, which the scoring server needs",
            f"install it: {command}; or name by --python another Python, with the script's packages",
        )


def _serve(python: str, environ: Mapping[str, str]) -> int:
    say(f"serving {environ['AZUREML_ENTRY_SCRIPT']} with {python}; ctrl-C ends it")
    sys.stdout.flush()
    with subprocess.Popen([python, str(SERVER / "run.py")], env=dict(environ)) as server:
        # whoever ends this program means the server, which would go on alone
        before = signal.signal(signal.SIGTERM, lambda *_: server.terminate())
        try:
            while True:
                try:
                    return server.wait()
                except KeyboardInterrupt:
                    continue  # the terminal told the server too, which finishes what it has
        finally:
            signal.signal(signal.SIGTERM, before)
