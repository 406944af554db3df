"""The page of v1's files: prose, and what becomes of each key, from the table that reads them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from aciml.core.v1.keys import DEPLOYMENT, ENVIRONMENT, INFERENCE, TARGETS, Fate, Key, Kind

PATH = Path(__file__).with_name("pages") / "migration" / "files.md"
_HEAD = """# Files of v1, as they are

A project that was deployed by `az ml model deploy --ic inferenceconfig.json --dc deploymentconfig.json` has all
that is needed. There are two ways, and in both v1's files stay as they are.

**Write a project of them, once.** In the folder of the v1 project:

```sh
aciml import . --model iris=outputs/iris.json
cd deploy
python3 -m venv .venv && . .venv/bin/activate && pip install -r requirements.txt
pulumi stack init local && pulumi up
```

`deploy/` then has a program as a person writes it, a stack config for this machine and one for Azure, and a page
that says what became of each key. Its paths lead to your script, models and conda file. Nothing is written over:
the folder has to be new or empty (`--out` names another), and it is written whole or not at all. Configs are found
by their names; where there are several, `--inference-config` and `--deployment-config` say which.

- **Models** were in v1's workspace, and are in no file. Those that the script opens
  (`Model.get_model_path("iris")`, a path in `AZUREML_MODEL_DIR`) are looked for by name; the others are named by
  `--model NAME=PATH`, several times. What is not found is said, with the line of the script that asks for it: `az
  ml model download` has it.
- **Secrets** (keys, the password of a registry) are not written into any file. The command and the page say which
  `pulumi config set --secret` each one needs. A variable that is named like a secret becomes one.
- **Cores and memory** below 1, as v1's defaults of 0.1 and 0.5 were, stand in the stack config: as they are at
  home, as 1 on Azure, which takes no less.

**Or read them each time,** in a program of your own:

```python
import pulumi
import pulumi_aciml as aciml

registry = aciml.Registry("iris")
environment = aciml.EnvironmentImage(
    "environment",
    aciml.EnvironmentImageArgs.from_v1(
        inference_config="examples/v1-project/inferenceconfig.json",
        login_server=registry.login_server,
    ),
)
service = aciml.ScoringService(
    "iris",
    aciml.ScoringServiceArgs.from_v1(
        inference_config="examples/v1-project/inferenceconfig.json",
        deployment_config="examples/v1-project/deploymentconfig.json",
        login_server=registry.login_server,
        environment_image=environment.image,
        models={"iris": "examples/v1-project/outputs/iris.json"},
    ),
)
pulumi.export("scoring_uri", service.scoring_uri)
```

Any other argument goes beside these, and counts before what the files say. `examples/v1-project/` is a whole
project of this kind.

## What is read

- JSON and YAML, as v1 read them: comments, a comma too many, `yes` and `no`. A key that nobody knows is an error
  with its line and the key that was meant; so is one that is given twice. All that is wrong in the files is told
  at once.
- Paths are relative to where v1 took them from: `sourceDirectory` to the folder of the project, and the script,
  the conda file and the steps to `sourceDirectory`, if there is one.
- An environment that is inline, or one that `Environment.save_to_directory` or `az ml environment scaffold` wrote
  (`azureml_environment.json`, `conda_dependencies.yml`, `BaseDockerfile`): `aciml import` finds it, or takes it by
  `--environment DIR`; `from_v1` by `environment="DIR"`.
- A conda file as v1 took it: `azureml-defaults`, which brought v1's server, is left out; `pip` before a `pip:`
  section, and Python, are put in where v1 did that by itself. A script that imports more of `azureml.core` than
  `Model.get_model_path` keeps the package `azureml-core`.

**Nothing opens a service by mistake.** `authEnable: true` is an unknown key and no open service; neither is a key
without `authEnabled`, `"true"` in quotes, `#{key}#` that no pipeline filled in, or a certificate without
`sslEnabled`. Without a deployment config nothing is written: v1's default was a service that asks nobody for a
key.

## What becomes of each key

*used*: it means the same here. *replaced by*: something else does what it was for. *not given*: it is passed over,
and said so. *refused*: the service would be another one without it; the message says what to do. What is null,
empty or as it is in every template says nothing, and is passed over without a word.
"""


def page() -> str:
    """Return the whole page."""
    return "\n".join([
        _HEAD,
        *_table("`inferenceconfig.json`", INFERENCE),
        *_table("`environment` in it, or `azureml_environment.json`", ENVIRONMENT),
        *_table("`deploymentconfig.json`", DEPLOYMENT),
        "### Compute types\n",
        "| `computeType` | what to use |\n| --- | --- |",
        "| `aci`, `local` | the stack config says where a service goes: `aciml:target: azure` or `local` |",
        *(f"| `{name}` | refused. {advice[0].upper()}{advice[1:]} |" for name, advice in TARGETS.items()),
        "",
    ])  # fmt: skip


def _table(title: str, keys: tuple[Key, ...]) -> Iterator[str]:
    yield f"### {title}\n"
    yield "| key | what becomes of it | |\n| --- | --- | --- |"
    # an object is what is in it
    yield from (_row(key) for key in keys if key.kind is not Kind.SECTION and key.name != "$schema")
    yield ""


def _row(key: Key) -> str:
    names = " or ".join(f"`{name}`" for name in (key.path, *key.also))
    fate = str(key.fate)
    if key.fate is Fate.USED:
        fate = f"used: `{key.to.partition('.')[2] or key.to}`"
    elif key.fate is Fate.REPLACED:
        fate = f"replaced by {key.to}"
    if key.plain and key.fate is Fate.REFUSED and (plain := _plain(key)):
        fate = f"refused, but for {plain}"
    return f"| {names} | {fate} | {key.why} |"


def _plain(key: Key) -> str:
    shown = {True: "true", False: "false", (): "an empty list"}
    words = [str(shown.get(one, one)) for one in key.plain if not isinstance(one, dict)]
    return ", ".join(words)
