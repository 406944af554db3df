"""What Pulumi's CLI refuses, in one sentence with what to do: its own words are several, and change by version."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..core.errors import UserError

# of the CLI's own words, as few as tell one from another: they change from version to version
_REFUSALS: tuple[tuple[str, str, str], ...] = (
    (r"no stack named|failed to load stack|stack .* not found", "there is no {stack}", ""),
    (r"no stack selected", "no stack is selected", ""),
    (
        r"incorrect passphrase",
        "the passphrase is not that of {stack}",
        "set PULUMI_CONFIG_PASSPHRASE, or PULUMI_CONFIG_PASSPHRASE_FILE, to the right one",
    ),
    (
        r"passphrase must be set",
        "the secrets of {stack} need its passphrase",
        "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE",
    ),
    (
        r"PULUMI_ACCESS_TOKEN|not logged in|[Uu]nauthorized|could not read current user|Invalid access token",
        "Pulumi is not logged in",
        "run `pulumi login` (or set PULUMI_ACCESS_TOKEN, or PULUMI_BACKEND_URL for a state of your own)",
    ),
    (
        r"unable to open state|could not open bucket|unable to open bucket|unable to check if bucket",
        "the place of the states cannot be opened",
        "look at PULUMI_BACKEND_URL and `pulumi whoami --verbose`",
    ),
    (
        r"currently locked|conflict.*update",
        "another update of {stack} is under way",
        "wait for it; if it was killed, `pulumi cancel` ends it",
    ),
)


def refusal(said: str, stack: str, stacks: Callable[[], str]) -> UserError:
    """Return an error for what the CLI has said.

    Args:
        said: what it printed.
        stack: how the stack is called in a sentence.
        stacks: advice where there is no such stack, such as the names of those that are there.
    """
    text = _reason(said)
    for pattern, message, advice in _REFUSALS:
        if re.search(pattern, text):
            return UserError(message.format(stack=stack), advice or stacks())
    return UserError(f"pulumi: {text}")


def _reason(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith("warning:")]
    told = next((line for line in lines if line.startswith("error:")), lines[-1] if lines else "it failed silently")
    return told.removeprefix("error:").strip()
