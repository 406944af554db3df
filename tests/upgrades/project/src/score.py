"""The script of the stacks that are kept. Its hash is part of their state: it stays as it is, to the byte."""


def init() -> None:
    """There is nothing to load."""


def run(raw_data: str) -> dict[str, int]:
    return {"length": len(raw_data)}
