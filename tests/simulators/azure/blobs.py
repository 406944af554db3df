"""A storage account: block blobs behind signed URLs, as ACR Tasks use it for sources and logs.

Paths are ``/acrstorage/{container}/{blob}``, the form in which clients address an account by IP. Source: Azure Storage
REST API (Put Blob, Put Block, Put Block List, Get Blob, Get Blob Properties, Delete Blob; service SAS).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from .http import ArmError, Request, Response, Router
from .world import World

ACCOUNT = "acrstorage"
VERSION = "2021-12-02"
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_NEEDS = {"GET": "r", "HEAD": "r", "PUT": "w", "DELETE": "d"}
LIFE = 3600.0  # seconds that a signed URL is good


@dataclass
class Blob:
    """One block blob; ``blocks`` are those that no list has taken yet."""

    data: bytearray = field(default_factory=bytearray)
    metadata: dict[str, str] = field(default_factory=dict)
    kind: str = "application/octet-stream"
    etag: str = ""
    modified: str = ""
    there: bool = False
    blocks: dict[str, bytes] = field(default_factory=dict)

    def touch(self) -> None:
        self.there, self.etag, self.modified = True, f'"0x{secrets.token_hex(8).upper()}"', formatdate(usegmt=True)


class BlobError(ArmError):
    """A refusal in the storage service's XML."""

    def response(self) -> Response:
        said = f"{self.message}\nRequestId:{uuid.uuid4()}\nTime:{formatdate(usegmt=True)}"
        text = f"<Error><Code>{self.code}</Code><Message>{escape(said)}</Message></Error>"
        body = b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>' + text.encode()
        return Response(
            self.status,
            body,
            {**_common(), "Content-Type": "application/xml", "x-ms-error-code": self.code, **self.headers},
        )


class Blobs:
    """All blobs by ``container/name``; safe to use from several threads."""

    def __init__(self, base: Callable[[], str], clock: Callable[[], float] = time.time) -> None:
        self._base, self._clock = base, clock
        self._key = secrets.token_bytes(32)
        self._blobs: dict[str, Blob] = {}
        self.lock = threading.RLock()

    def url(self, path: str, permissions: str, life: float = LIFE) -> str:
        """Return a signed URL for ``container/name``; ``permissions`` of r, w, c, d."""
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._clock() + life))
        query = {"sv": VERSION, "se": ends, "sr": "b", "sp": permissions}
        signed = urlencode({**query, "sig": self._signature(path, query)})
        return f"{self._base()}/{ACCOUNT}/{quote(path)}?{signed}"

    def read(self, path: str) -> bytes | None:
        """Return the bytes of a blob, or None."""
        with self.lock:
            blob = self._blobs.get(path)
            return bytes(blob.data) if blob and blob.there else None

    def append(self, path: str, data: bytes, **metadata: str) -> None:
        """Add to a blob, made when there is none, and set metadata."""
        with self.lock:
            blob = self._blobs.setdefault(path, Blob())
            blob.data += data
            blob.metadata |= metadata
            blob.touch()

    def clear(self) -> None:
        with self.lock:
            self._blobs.clear()

    def answer(self, request: Request, container: str, name: str) -> Response:
        path = f"{container}/{name}"
        self._check(request, path)
        with self.lock:
            if request.method == "PUT":
                return self._put(request, path)
            blob = self._blobs.get(path)
            if blob is None or not blob.there:
                raise BlobError(404, "BlobNotFound", "The specified blob does not exist.")
            if request.method == "DELETE":
                del self._blobs[path]
                return Response(202, None, _common())
            return _given(request, blob)

    def _check(self, request: Request, path: str) -> None:
        query = {name: value for name, value in request.query.items() if name in {"sv", "se", "sr", "sp"}}
        given = request.query.get("sig", "")
        if not given or not hmac.compare_digest(given, self._signature(path, query)):
            raise _refused("Signature did not match.")
        if time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._clock())) >= query.get("se", ""):
            raise _refused("Signature not valid in the specified time frame.")
        if request.headers.get("authorization"):
            message = "Authentication information is not given in the correct format."
            raise BlobError(400, "InvalidAuthenticationInfo", message)
        if _NEEDS[request.method] not in query.get("sp", ""):
            message = "This request is not authorized to perform this operation using this permission."
            raise BlobError(403, "AuthorizationPermissionMismatch", message)

    def _put(self, request: Request, path: str) -> Response:
        blob = self._blobs.get(path, Blob())
        kind = request.query.get("comp", "")
        if kind == "block":
            blob.blocks[request.query.get("blockid", "")] = request.body
        elif kind == "blocklist":
            blob.data = bytearray(b"".join(_listed(request.body, blob.blocks)))
            self._filled(request, blob)
        elif kind == "metadata":
            blob.metadata = _metadata(request.headers)
        elif kind:
            raise BlobError(400, "InvalidQueryParameterValue", f"Value for comp is not supported: {kind}.")
        else:
            self._put_whole(request, blob)
        self._blobs[path] = blob
        more = {"ETag": blob.etag, "Last-Modified": blob.modified} if blob.there else {}
        return Response(200 if kind == "metadata" else 201, None, {**_common(), **more})

    def _put_whole(self, request: Request, blob: Blob) -> None:
        if request.headers.get("x-ms-blob-type") != "BlockBlob":
            message = "An HTTP header that's mandatory for this request is not specified: x-ms-blob-type=BlockBlob."
            raise BlobError(400, "MissingRequiredHeader", message)
        if blob.there and request.headers.get("if-none-match") == "*":
            raise BlobError(409, "BlobAlreadyExists", "The specified blob already exists.")
        if (md5 := request.headers.get("content-md5")) and md5 != _md5(request.body):
            raise BlobError(400, "Md5Mismatch", "The MD5 value did not match the body.")
        blob.data = bytearray(request.body)
        self._filled(request, blob)

    @staticmethod
    def _filled(request: Request, blob: Blob) -> None:
        named = request.headers.get("x-ms-blob-content-type") or request.headers.get("content-type")
        blob.kind, blob.metadata, blob.blocks = named or blob.kind, _metadata(request.headers), {}
        blob.touch()

    def _signature(self, path: str, query: Mapping[str, str]) -> str:
        text = "\n".join([f"/{ACCOUNT}/{path}", *(query.get(name, "") for name in ("sv", "se", "sr", "sp"))])
        return base64.b64encode(hmac.digest(self._key, text.encode(), "sha256")).decode()


def install(router: Router, world: World) -> None:
    """Answer below ``/acrstorage``."""
    blobs = blobs_of(world)
    for method in _NEEDS:
        router.add(method, f"/{ACCOUNT}/{{container}}/{{name*}}", blobs.answer)


def blobs_of(world: World) -> Blobs:
    """Return the blobs of this world, made when they are first asked for."""
    if "blobs" not in world.parts:
        blobs = world.parts["blobs"] = Blobs(lambda: world.base)
        world.resetters.append(blobs.clear)
    found = world.parts["blobs"]
    assert isinstance(found, Blobs)
    return found


def _given(request: Request, blob: Blob) -> Response:
    """Answer GET and HEAD; a range that begins behind the end is 416."""
    size = len(blob.data)
    headers = {
        **_common(), "ETag": blob.etag, "Last-Modified": blob.modified, "Content-Type": blob.kind,
        "Accept-Ranges": "bytes", "x-ms-blob-type": "BlockBlob", "x-ms-lease-status": "unlocked",
        **{f"x-ms-meta-{name}": value for name, value in blob.metadata.items()},
    }  # fmt: skip
    if request.method == "HEAD":
        return Response(200, None, {**headers, "Content-Length": str(size)})
    wanted = _RANGE.fullmatch(request.headers.get("x-ms-range") or request.headers.get("range") or "")
    if wanted is None:
        return Response(200, bytes(blob.data), headers)
    start, last = int(wanted[1]), min(int(wanted[2] or size), size - 1)
    if start >= size:
        more = {"Content-Range": f"bytes */{size}"}
        raise BlobError(
            416, "InvalidRange", "The range specified is invalid for the current size of the resource.", more
        )
    more = {"Content-Range": f"bytes {start}-{last}/{size}"}
    return Response(206, bytes(blob.data[start : last + 1]), {**headers, **more})


def _listed(body: bytes, blocks: Mapping[str, bytes]) -> list[bytes]:
    names = [str(each.text) for each in ET.fromstring(body)]
    if any(name not in blocks for name in names):
        raise BlobError(400, "InvalidBlockList", "The specified block list is invalid.")
    return [blocks[name] for name in names]


def _metadata(headers: Mapping[str, str]) -> dict[str, str]:
    start = "x-ms-meta-"
    return {name[len(start) :]: value for name, value in headers.items() if name.lower().startswith(start)}


def _md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def _common() -> dict[str, Any]:
    return {"x-ms-version": VERSION, "x-ms-request-id": str(uuid.uuid4())}


def _refused(why: str) -> BlobError:
    message = f"Server failed to authenticate the request. {why}"
    return BlobError(403, "AuthenticationFailed", message)
