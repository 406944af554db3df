"""What tells how to use the service: ``/swagger.json``."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence
from urllib.parse import parse_qs

from ..answers import refusal, to_json
from ..settings import Settings
from ..values import Answer
from .request import Request
from .routes import READ, Route


class Pages:
    """Documents of one service, made when they are first asked for."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is known of the models yet."""
        self._settings = settings
        self._facts: Sequence[Dict[str, Any]] = ()
        self._documents: Dict[str, Answer] = {}

    def learn(self, facts: Sequence[Dict[str, Any]]) -> None:
        """Make new documents from now on."""
        self._facts = facts
        self._documents.clear()

    def routes(self) -> List[Route]:
        """Return the routes of all pages."""
        return [Route("/swagger.json", READ, self._swagger)]

    def _swagger(self, connection: Any, request: Request) -> None:
        version = parse_qs(request.query).get("version", [""])[-1] or "2"
        connection.send(request, self._document(version))

    def _document(self, version: str) -> Answer:
        from .. import swagger

        found = self._documents.get(version)
        if found is None:
            made = swagger.document(version, self._settings.service_name)
            if made is None:
                return refusal(404, "no such version; there are 2, 3 and 3.1")
            found = self._documents[version] = Answer(200, to_json(made))
        return found
