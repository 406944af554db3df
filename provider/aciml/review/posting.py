"""One comment a stack on a pull request: found by its marker, changed in place, made if it is not there.

Sources: GitHub, "REST API endpoints for issue comments" (2022-11-28); Azure DevOps Services REST API 7.1, "Pull Request
Threads" and "Pull Request Thread Comments"; the variables are those that the services give to the steps of a run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from ..core.errors import OutageError, UserError

GITHUB_LIMIT, AZURE_LIMIT = 65_536, 150_000
"""Characters of a comment, by what the services answer to a longer one."""
_SECONDS = 30
_TOO_FEW = "the token may not write comments"


class Service(Protocol):
    """Where a pull request is."""

    limit: int

    def put(self, marker: str, text: str) -> str:
        """Change the comment that begins with ``marker``, or make it; return the address of what there is then.

        Raises:
            UserError: no right, or no such pull request.
            OutageError: the service does not answer.
        """


class _Api:
    """Requests with a token that no message shows."""

    def __init__(self, service: str, headers: Mapping[str, str], advice: str) -> None:
        self._service, self._advice = service, advice
        self._session = requests.Session()
        self._session.headers.update(headers)
        # a POST is not asked again: it may have made the comment before the answer was lost
        again = Retry(3, backoff_factor=0.5, status_forcelist=(429, 502, 503), allowed_methods=("GET", "PATCH"))
        again.raise_on_status = False
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=again))

    def ask(self, method: str, url: str, body: object = None) -> requests.Response:
        try:
            answer = self._session.request(method, url, json=body, timeout=_SECONDS)
        except requests.RequestException as error:
            # the error's text has the URL alone, the token is in a header
            raise OutageError(f"{self._service} does not answer: {error}", "run the step again") from error
        # Azure DevOps answers a token that is not valid with its page of a login: 203, or 302 followed to HTML
        if answer.status_code in (401, 403) or answer.status_code == 203:
            raise UserError(f"{self._service}: {_TOO_FEW} ({answer.status_code}{_said(answer)})", self._advice)
        if answer.status_code == 404:
            raise UserError(f"{self._service} has no {url} for this token (404)", self._advice)
        if not answer.ok:
            raise OutageError(f"{self._service} answered {answer.status_code}{_said(answer)}", "run the step again")
        return answer


def _said(answer: requests.Response) -> str:
    try:
        found = answer.json()
    except ValueError:
        return ""
    message = found.get("message") if isinstance(found, dict) else None
    return f", {str(message)[:300]}" if message else ""


class GitHub:
    """A pull request on GitHub, or on a server of one's own."""

    limit = GITHUB_LIMIT
    _ADVICE = "the job needs `permissions: pull-requests: write`; the token of a pull request from a fork may only read"

    def __init__(self, api: str, repository: str, number: int, token: str) -> None:
        """Ask nobody yet."""
        self._base, self._number = f"{api.rstrip('/')}/repos/{quote(repository)}", number
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        self._api = _Api("GitHub", headers, self._ADVICE)

    @classmethod
    def of_run(cls, environ: Mapping[str, str], number: int | None) -> GitHub:
        """Return the pull request that a run is about; ``number`` says another one."""
        token, repository = _needed(environ, "GITHUB_TOKEN", "GITHUB_REPOSITORY", service="github")
        found = number or _github_number(environ)
        if not found:
            raise UserError("this run is about no pull request", "give --pull-request, or run it on pull_request")
        return cls(environ.get("GITHUB_API_URL") or "https://api.github.com", repository, found, token)

    def put(self, marker: str, text: str) -> str:
        """See ``Service``."""
        # by its first line and not by its author: the token of a run may be another one tomorrow
        for comment in self._comments():
            if str(comment.get("body") or "").startswith(marker):
                url = f"{self._base}/issues/comments/{comment['id']}"
                return str(self._api.ask("PATCH", url, {"body": text}).json().get("html_url", url))
        url = f"{self._base}/issues/{self._number}/comments"
        return str(self._api.ask("POST", url, {"body": text}).json().get("html_url", url))

    def _comments(self) -> Iterator[Mapping[str, Any]]:
        url: str | None = f"{self._base}/issues/{self._number}/comments?per_page=100"
        while url:
            answer = self._api.ask("GET", url)
            yield from answer.json()
            # RFC 8288; what the service says and not a number that we count: pages may be added meanwhile
            url = answer.links.get("next", {}).get("url")


def _github_number(environ: Mapping[str, str]) -> int:
    """Return the number of the pull request that started the run: of its event, or of ``refs/pull/7/merge``."""
    event = environ.get("GITHUB_EVENT_PATH")
    if event and Path(event).is_file():
        try:
            found = json.loads(Path(event).read_text(encoding="utf-8"))
        except ValueError:
            found = {}
        number = (found.get("pull_request") or {}).get("number") or (
            found.get("number") if "pull_request" in found else None
        )
        if isinstance(number, int):
            return number
    parts = environ.get("GITHUB_REF", "").split("/")
    return int(parts[2]) if parts[:2] == ["refs", "pull"] and parts[2].isdecimal() else 0


class AzureDevOps:
    """A pull request on Azure Repos."""

    limit = AZURE_LIMIT
    _ADVICE = (
        'the build service needs "Contribute to pull requests" on the repository, and the step '
        "`env: SYSTEM_ACCESSTOKEN: $(System.AccessToken)`"
    )
    _VERSION = "api-version=7.1"

    def __init__(self, collection: str, project: str, repository: str, number: int, token: str) -> None:
        """Ask nobody yet."""
        self._base = (
            f"{collection.rstrip('/')}/{quote(project)}/_apis/git/repositories/{quote(repository)}"
            f"/pullRequests/{number}/threads"
        )
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._api = _Api("Azure DevOps", headers, self._ADVICE)

    @classmethod
    def of_run(cls, environ: Mapping[str, str], number: int | None) -> AzureDevOps:
        """Return the pull request that a run is about; ``number`` says another one."""
        names = ("SYSTEM_ACCESSTOKEN", "SYSTEM_COLLECTIONURI", "SYSTEM_TEAMPROJECT", "BUILD_REPOSITORY_ID")
        token, collection, project, repository = _needed(environ, *names, service="azure")
        said = environ.get("SYSTEM_PULLREQUEST_PULLREQUESTID", "")
        found = number or (int(said) if said.isdecimal() else 0)
        if not found:
            advice = "give --pull-request, or run it by the branch policy of a pull request"
            raise UserError("this run is about no pull request", advice)
        return cls(collection, project, repository, found, token)

    def put(self, marker: str, text: str) -> str:
        """See ``Service``."""
        threads = self._api.ask("GET", f"{self._base}?{self._VERSION}").json().get("value") or ()
        for thread in threads:
            for comment in thread.get("comments") or ():
                if not comment.get("isDeleted") and str(comment.get("content") or "").startswith(marker):
                    url = f"{self._base}/{thread['id']}/comments/{comment['id']}"
                    self._api.ask("PATCH", f"{url}?{self._VERSION}", {"content": text})
                    return f"{self._base}/{thread['id']}"
        # closed: a policy may hold a pull request back until all threads are resolved
        body = {"comments": [{"parentCommentId": 0, "content": text, "commentType": "text"}], "status": "closed"}
        made = self._api.ask("POST", f"{self._base}?{self._VERSION}", body).json()
        return f"{self._base}/{made.get('id', '')}"


def service_of(name: str, environ: Mapping[str, str], number: int | None) -> Service:
    """Return the pull request that a run of GitHub Actions (``github``) or Azure Pipelines (``azure``) is about.

    Raises:
        UserError: the environment does not say which, or has no token.
    """
    return (GitHub if name == "github" else AzureDevOps).of_run(environ, number)


def _needed(environ: Mapping[str, str], *names: str, service: str) -> list[str]:
    missing = [name for name in names if not environ.get(name)]
    if missing:
        advice = "a run of the service has them; a token is given to a step by its `env:`"
        raise UserError(f"--post {service} needs {', '.join(missing)} in the environment", advice)
    return [environ[name] for name in names]
