from __future__ import annotations

from tests.contract.conftest import engine, images, local, local_door

__all__ = ["engine", "images", "local", "local_door"]
