"""A plain page that says what a document says, for services without Swagger UI."""

from __future__ import annotations

import json
from html import escape
from typing import Any, Dict, List, Mapping

# no script and no style: the policy of pages lets in files of our own alone, and here there are none. The empty
# icon keeps browsers from asking for /favicon.ico, and addresses are relative, because a proxy may add a path
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
</head>
<body>
<h1>{title} {version}</h1>
<p>{about}</p>
<p>Documents for tools: <a href="swagger.json?version=2">Swagger 2.0</a>,
<a href="swagger.json?version=3">OpenAPI 3.0</a>, <a href="swagger.json?version=3.1">OpenAPI 3.1</a>.</p>
{operations}
<h2>Schemas</h2>
{schemas}
</body>
</html>
"""


def write(document: Mapping[str, Any]) -> str:
    """Return the page of a document of OpenAPI 3, or of Swagger 2 as far as it goes."""
    info = document.get("info", {})
    schemas = document.get("components", {}).get("schemas", {}) or document.get("definitions", {})
    operations = [
        _operation(method, path, operation)
        for path, item in document.get("paths", {}).items()
        for method, operation in item.items()
        # a path may have `parameters` or a `summary` beside its operations (OpenAPI, "Path Item Object")
        if isinstance(operation, dict)
    ]
    return _PAGE.format(
        title=_text(info.get("title", "")),
        version=_text(info.get("version", "")),
        about=_text(info.get("description", "")),
        operations="\n".join(operations),
        schemas="\n".join(_schema(name, schema) for name, schema in schemas.items()),
    )


def _operation(method: str, path: str, operation: Dict[str, Any]) -> str:
    lines: List[str] = ["<h2><code>%s %s</code></h2>" % (_text(method.upper()), _text(path))]
    lines.append("<p>%s</p>" % _text(operation.get("description", "")))
    if operation.get("security"):
        lines.append("<p>Needs the header <code>Authorization: Bearer &lt;key&gt;</code>.</p>")
    answers = operation.get("responses", {}).items()
    rows = [
        "<li><code>%s</code> %s</li>" % (_text(status), _text(answer.get("description", "")))
        for status, answer in answers
    ]
    return "\n".join([*lines, "<ul>", *rows, "</ul>"])


def _schema(name: str, schema: Any) -> str:
    return "<h3>%s</h3>\n<pre>%s</pre>" % (_text(name), escape(json.dumps(schema, indent=2)))


def _text(value: Any) -> str:
    # names, samples and sentences are the user's, or of a document that somebody else wrote
    return escape(str(value))
