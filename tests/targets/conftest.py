from __future__ import annotations

from tests.contract.conftest import engine, images, local

__all__ = ["engine", "images", "local"]
