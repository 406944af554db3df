"""The documents of ``/swagger.json``: Swagger 2.0, OpenAPI 3.0 and 3.1, made from the JSON schemas of the models."""

from __future__ import annotations

from .document import Service, document
from .files import read

__all__ = ["VERSIONS", "Service", "document", "read"]

# v1 takes each of these spellings; its default of 2 stands where the parameter is read (front/docs.py)
VERSIONS = {"2": "2", "2.0": "2", "3": "3", "3.0": "3", "3.1": "3.1"}
"""What the parameter ``version`` may be, and which of the three documents it means."""
