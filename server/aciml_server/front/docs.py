"""What tells how to use the service: ``/swagger.json``, and ``/docs``, where it can be tried in a browser.

Swagger UI lies in the folder ``static``, put there when the image is made; nothing is fetched from elsewhere. Without
it ``/docs`` is a plain page.
"""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple
from urllib.parse import parse_qs

from ..answers import refusal, to_json
from ..settings import Settings
from ..values import Answer
from .request import Request
from .routes import READ, Route, prefix_of
from .static import FILES, SAFE, Static, read_static

_BESIDE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "static")
# a key is typed into this page: no script from elsewhere sees it, it can be sent to this
# service alone, and no other page can put a frame around it (Content Security Policy 3)
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# asked for anew each time: it names the files by their content, and those are kept for ever
_PAGE_HEADERS = (("content-security-policy", _POLICY), ("cache-control", "no-cache"), *SAFE)
_HTML = "text/html; charset=utf-8"


class Pages:
    """Documents of one service, made when they are first asked for."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is known of the models yet."""
        self._settings = settings
        self._facts: Sequence[Mapping[str, Any]] = ()
        self._documents: Dict[str, Answer] = {}
        self._page: Optional[Answer] = None
        self._static: Dict[str, Optional[Static]] = {}

    def learn(self, facts: Sequence[Mapping[str, Any]]) -> None:
        """Make new documents from now on."""
        self._facts = facts
        self._documents.clear()
        self._page = None

    def routes(self) -> List[Route]:
        """Return the routes of all pages."""
        found = [Route("/swagger.json", READ, self._swagger)]
        if self._settings.docs:
            found += [Route("/docs", READ, self._docs), Route("/docs/", READ, _to_page)]
            found += [Route("/docs/start.js", READ, self._start)]
            found += [Route("/docs/" + name, READ, self._file(name)) for name in FILES]
        return found

    # /swagger.json

    def _swagger(self, connection: Any, request: Request) -> None:
        # only when somebody asks: most services are never asked, and each front would have it in memory
        from .. import swagger

        asked = parse_qs(request.query).get("version", [""])[-1] or "2"
        version = swagger.VERSIONS.get(asked)
        if version is None:
            connection.send(request, refusal(404, "no such version; there are 2, 3 and 3.1"))
        else:
            connection.send(request, self._document(version))

    def _document(self, version: str) -> Answer:
        from .. import swagger

        found = self._documents.get(version)
        if found is None:
            own = swagger.read(version, self._folders())
            body = own or to_json(swagger.document(version, self._service(), self._facts))
            found = self._documents[version] = Answer(200, body)
        return found

    def _service(self) -> Any:
        from ..swagger import Service

        given = self._settings
        return Service(given.service_name, given.service_version, prefix_of(given.path_prefix), bool(given.tls_cert))

    def _folders(self) -> Tuple[str, str]:
        root = self._settings.app_root
        return root, os.path.join(root, self._settings.source_directory)

    # /docs

    def _docs(self, connection: Any, request: Request) -> None:
        if self._page is None:
            files = {name: self._load(name) for name in FILES}
            title = self._settings.service_name
            if all(files.values()):
                html = _page(title, {name: file.tag for name, file in files.items() if file})
            else:
                html = self._plain_page()
            self._page = Answer(200, html.encode(), _HTML, _PAGE_HEADERS)
        connection.send(request, self._page)

    def _plain_page(self) -> str:
        import json

        from ..swagger.page import write

        return write(json.loads(self._document("3").body))

    def _start(self, connection: Any, request: Request) -> None:
        version = next((one for one in ("3.1", "3", "2") if self._is_users(one)), "3")
        text = _START % version
        headers = (("cache-control", "no-cache"), *SAFE)
        connection.send(request, Answer(200, text.encode(), "text/javascript; charset=utf-8", headers))

    def _is_users(self, version: str) -> bool:
        from .. import swagger

        return swagger.read(version, self._folders()) is not None

    def _file(self, name: str) -> Callable[[Any, Request], None]:
        def send(connection: Any, request: Request) -> None:
            file = self._load(name)
            if file is None:
                connection.send(request, refusal(404, "Swagger UI is not installed here"))
            else:
                connection.send(request, file.answer(request.headers))

        return send

    def _load(self, name: str) -> Optional[Static]:
        if name not in self._static:
            self._static[name] = read_static(self._settings.static or _BESIDE, name)
        return self._static[name]


def _to_page(connection: Any, request: Request) -> None:
    connection.send(request, Answer(308, b"", headers=(("location", "../docs"),)))  # relative: a proxy may add a path


def _page(title: str, tags: Mapping[str, str]) -> str:
    from html import escape

    return _PAGE % (escape(title), tags["swagger-ui.css"], tags["swagger-ui-bundle.js"])


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css?%s">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js?%s"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
# `validatorUrl`: without null Swagger UI tells the document's address to a service of its makers
_START = """window.ui = SwaggerUIBundle({
  url: "swagger.json?version=%s",
  dom_id: "#swagger-ui",
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  tryItOutEnabled: true,
  validatorUrl: null
});
"""
