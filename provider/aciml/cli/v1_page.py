"""The README of a project that ``aciml import`` writes: how to bring it up, and what became of each key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.v1.keys import Fate
from ..core.v1.reading import Outcome

_HEAD = """# {name}

Made by `aciml import` of a project for Azure ML v1, whose files stay as they are.

{missing}## How to bring it up

```sh
python3 -m venv .venv
. .venv/bin/activate
pip install -r requirements.txt

pulumi login --local                # or where your team keeps its stacks
pulumi stack init local
{commands}pulumi up
```

{secrets}`Pulumi.local.yaml` is a stack on the Docker of this machine, `Pulumi.azure.yaml` one on Azure: choose a name
for its registry, then `az login`, `export AZURE_SUBSCRIPTION_ID=...`, `pulumi stack init azure`, `pulumi up`.

## What became of each key

| key | where | what became of it | |
| --- | --- | --- | --- |
{rows}"""
_SECRETS = "Secrets are in no file of this folder. Each is typed in once a stack:\n\n"


@dataclass(frozen=True)
class Secret:
    """A value that the stack config keeps encrypted: its name there, and the key of v1's file that it is in."""

    name: str
    where: str
    key: str


def page_of(
    outcomes: Sequence[Outcome], folder: Path, name: str, missing: Sequence[str], secrets: Sequence[Secret]
) -> str:
    """Return the page.

    Args:
        outcomes: of all keys.
        folder: the v1 project's, which files are named relative to.
        name: of the project.
        missing: sentences about what is asked for and not there, or what a preview will refuse.
        secrets: what has to be typed in once a stack.
    """
    lacks = "".join(f"- {one}\n" for one in missing)
    told = "".join(f"- `{one.name}`: {secret_source(one)}\n" for one in secrets)
    text = _HEAD.format(
        name=name,
        missing=f"## What is still to be done\n\n{lacks}\n" if lacks else "",
        commands="".join(f"{secret_command(one)}\n" for one in secrets),
        secrets=f"{_SECRETS}{told}\n" if told else "",
        rows="".join(f"| `{one.key}` | {one.where} | {_fate(one)} | {one.why} |\n" for one in outcomes),
    )
    # the page is committed: where the project lay on this machine says nothing to others
    return text.replace(f"{folder}/", "")


def _fate(one: Outcome) -> str:
    if one.fate is Fate.USED:
        return f"used: `{one.to}`" if one.to else "used"
    return f"replaced by {one.to}" if one.fate is Fate.REPLACED else str(one.fate)


def secret_command(secret: Secret) -> str:
    """Return the command that puts a secret into the stack's config; it asks for the value."""
    return f"pulumi config set --secret {secret.name}"


def secret_source(secret: Secret) -> str:
    """Say where the value of a secret is."""
    if not secret.where:
        return "the connection string of your Application Insights component"
    return f"in {secret.where}, {secret.key}"
