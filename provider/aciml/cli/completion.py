"""``aciml completion SHELL``: print what makes a shell complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from .terminal import say

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_ACIML_COMPLETE"
"""Where click looks whether a shell asks for completions, by the name of the program."""


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print a script that makes a shell complete the commands of aciml.

    \b
    bash: eval "$(aciml completion bash)"      in ~/.bashrc
    zsh:  eval "$(aciml completion zsh)"       in ~/.zshrc
    fish: aciml completion fish | source       in ~/.config/fish/config.fish
    """  # noqa: D301  # \b keeps click from joining the lines
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101  # click has all three
    say(found(context.find_root().command, {}, "aciml", VARIABLE).source())
