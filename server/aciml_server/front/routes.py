"""The routes of a port as data: a path, its methods, who may use it, and who answers."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple
from urllib.parse import quote, unquote

from .request import Request

READ = ("GET", "HEAD")
SCORE = ("GET", "POST", "OPTIONS")
Answerer = Callable[[Any, Request], None]


class Route(NamedTuple):
    """``label`` is the path without prefix, as books name it; ``answer`` takes a connection and its request.

    ``guarded`` routes want a key, ``quiet`` ones leave no line in the access log; ``model`` is the number of a script,
    -1 where none is called.
    """

    label: str
    methods: Tuple[str, ...]
    answer: Answerer
    guarded: bool = False
    quiet: bool = False
    model: int = -1


class Table:
    """All routes of a port; each is found with the prefix and without it."""

    def __init__(self, routes: Sequence[Route], prefix: str = "") -> None:
        """``prefix`` may have slashes around it or not, as in v1 (``SERVICE_PATH_PREFIX``)."""
        self.prefix = prefix_of(prefix)
        self.routes = tuple(routes)
        self.by_path: Dict[str, Route] = {}
        for route in routes:
            path = quote(route.label)
            # both: some proxies take the prefix away before they ask
            self.by_path[path] = self.by_path[self.prefix + path] = route
        self._decoded = {unquote(path): route for path, route in self.by_path.items()}

    def find(self, path: str) -> Optional[Route]:
        """Find a path that is spelt in another way than ours, such as ``/%73core``."""
        plain = path.encode("latin-1", "replace").decode("utf-8", "replace")
        # asked only when the quick table knows nothing: few clients spell a path so, and they alone pay for it
        return self._decoded.get(unquote(plain)) if "%" in plain or plain != path else None

    def missing(self, path: str) -> str:
        """Say that there is no such route, and which there are."""
        score = "/score/"
        plain = path[len(self.prefix) * path.startswith(self.prefix) :]
        names = [route.label[len(score) :] for route in self.routes if route.label.startswith(score)]
        if plain.startswith(score) and names:
            return "there is no model %s here; models: %s" % (ascii(unquote(plain[len(score) :])), ", ".join(names))
        # not what is for no client
        labels = [route.label for route in self.routes if not route.label.startswith(("/docs/", "/aciml/"))]
        return "there is no %s here; routes: %s" % (ascii(path), ", ".join(labels))


def prefix_of(text: str) -> str:
    """Return ``/prefix``, or nothing."""
    bare = text.strip("/")
    return "/" + quote(bare) if bare else ""


def scoring(names: Sequence[str], facts: Sequence[Mapping[str, Any]], answer: Answerer) -> List[Route]:
    """Return ``/score`` and each ``/score/<name>``; ``facts`` of the models are empty until a worker has told them."""
    found = []
    for number, name in enumerate(names):
        methods = tuple(facts[number]["methods"]) if number < len(facts) else SCORE
        found.append(Route("/score/" + name if name else "/score", methods, answer, guarded=True, model=number))
    return found
