"""Comments of a pull request over HTTP, as GitHub's and Azure DevOps' REST APIs have them.

Only what is asked for: list by pages, make, change; a token that is wrong, or may only read, is refused as there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.simulators.ending_server import serving

TOKEN = "token-4711"
GITHUB_PAGE = 2
"""Comments a page: few, so that a second one is asked for."""


class PullRequest:
    """A pull request with comments; ``requests`` are methods and paths, ``may_write`` False is a fork's token."""

    def __init__(self) -> None:
        self.url = ""
        self.comments: list[dict[str, Any]] = []
        self.requests: list[str] = []
        self.may_write = True
        self.failures = 0
        """How many requests are answered 503 first."""

    def add(self, body: str) -> None:
        """Somebody comments."""
        self.comments.append({"id": len(self.comments) + 1, "body": body})

    @property
    def bodies(self) -> list[str]:
        return [str(one["body"]) for one in self.comments]


@contextmanager
def github() -> Iterator[PullRequest]:
    """Serve pull request 7 of ``team/scoring``."""
    with _serving(_GitHub) as state:
        yield state


@contextmanager
def azure_devops() -> Iterator[PullRequest]:
    """Serve pull request 7 of repository ``r1`` in project ``models``; each comment is a thread."""
    with _serving(_AzureDevOps) as state:
        yield state


@contextmanager
def _serving(handler: type[_Handler]) -> Iterator[PullRequest]:
    state = PullRequest()
    bound = type(handler.__name__, (handler,), {"state": state})
    with serving(bound) as server:
        state.url = f"http://127.0.0.1:{server.server_port}"
        yield state


class _Handler(BaseHTTPRequestHandler):
    state: PullRequest
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PATCH(self) -> None:
        self._answer()

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.state.requests.append(f"{self.command} {self.path}")
        if self.state.failures:
            self.state.failures -= 1
            return self.reply(503, {"message": "later"})
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.refuse(401)
        if self.command != "GET" and not self.state.may_write:
            return self.refuse(403)
        return self.handle_request(body)

    def refuse(self, status: int) -> None:
        self.reply(status, {"message": "Resource not accessible by integration"})

    def handle_request(self, body: Any) -> None:
        raise NotImplementedError

    def reply(self, status: int, body: object, **headers: str) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


class _GitHub(_Handler):
    def handle_request(self, body: Any) -> None:
        path, _, query = self.path.partition("?")
        if path == "/repos/team/scoring/issues/7/comments":
            if self.command == "POST":
                if len(body["body"]) > 65536:
                    return self.reply(422, {"message": "body is too long (maximum is 65536 characters)"})
                self.state.add(body["body"])
                return self.reply(201, self._shown(self.state.comments[-1]))
            page = int((re.search(r"(?:^|&)page=(\d+)", query) or [0, 1])[1])
            some = self.state.comments[(page - 1) * GITHUB_PAGE : page * GITHUB_PAGE]
            more = len(self.state.comments) > page * GITHUB_PAGE
            link = {"Link": f'<{self.state.url}{path}?per_page=100&page={page + 1}>; rel="next"'} if more else {}
            return self.reply(200, [self._shown(one) for one in some], **link)
        match = re.fullmatch(r"/repos/team/scoring/issues/comments/(\d+)", path)
        if match and self.command == "PATCH":
            comment = self.state.comments[int(match[1]) - 1]
            comment["body"] = body["body"]
            return self.reply(200, self._shown(comment))
        return self.reply(404, {"message": "Not Found"})

    def _shown(self, comment: dict[str, Any]) -> dict[str, Any]:
        return {**comment, "html_url": f"https://github.example/team/scoring/pull/7#issuecomment-{comment['id']}"}


class _AzureDevOps(_Handler):
    _THREADS = "/team/models/_apis/git/repositories/r1/pullRequests/7/threads"

    def refuse(self, status: int) -> None:
        """Answer as the service does to a token that is not valid: with the page of its login."""
        self.reply(203 if status == 401 else status, {"message": "TF401027: You need the Git 'PullRequestContribute'"})

    def handle_request(self, body: Any) -> None:
        path, _, query = self.path.partition("?")
        if "api-version=" not in query:
            return self.reply(400, {"message": "No api-version was supplied"})
        if path == self._THREADS:
            if self.command == "POST":
                self.state.add(body["comments"][0]["content"])
                self.state.comments[-1]["status"] = body["status"]
                return self.reply(200, self._thread(self.state.comments[-1]))
            threads = [self._thread(one) for one in self.state.comments]
            return self.reply(200, {"value": threads, "count": len(threads)})
        match = re.fullmatch(re.escape(self._THREADS) + r"/(\d+)/comments/1", path)
        if match and self.command == "PATCH":
            self.state.comments[int(match[1]) - 1]["body"] = body["content"]
            return self.reply(200, {"id": 1, "content": body["content"]})
        return self.reply(404, {"message": "TF200016"})

    def _thread(self, comment: dict[str, Any]) -> dict[str, Any]:
        return {"id": comment["id"], "comments": [{"id": 1, "content": comment["body"], "isDeleted": False}]}
