"""What a scoring script must have, judged from its text before anything is built."""

from __future__ import annotations

import ast


def judge_script(text: str, name: str) -> str:
    """Return what is wrong with a scoring script, or nothing.

    Args:
        text: the script.
        name: its path, for the message.
    """
    try:
        # v1 found out in the container, and a deployment timed out after half an hour (MachineLearningNotebooks #1025)
        tree = ast.parse(text, name)
    except SyntaxError as error:
        return f"{name}:{error.lineno}: {error.msg}; the script cannot be imported"
    except ValueError as error:
        return f"{name}: {error}; the script cannot be imported"
    names, star = _defined(tree)
    if star or names & {"run", "run_batch"}:
        return ""
    return (
        f"{name} has no function run(raw_data); the server calls it for each request (and init() once, if there is one)"
    )


def _defined(tree: ast.Module) -> tuple[set[str], bool]:
    """Return the names that the module defines anywhere, and whether it imports all names of another."""
    names: set[str] = set()
    star = False
    # at any depth, since `run` may be defined below a try or an if; which of them holds is not certain
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            star = star or any(alias.name == "*" for alias in node.names)
            names |= {alias.asname or alias.name for alias in node.names}
    return names, star
