"""The properties of ``aciml:image:Service``, and what every pushed image tells of itself."""

from __future__ import annotations

from .shape import Field, Fields

FIELDS: Fields = {
    "loginServer": Field("string", "registry to push to", required=True),
    "repository": Field("string", "repository in that registry", required=True),
    "environmentImage": Field("string", "image of the environment, with its digest", required=True),
    "sourceDirectory": Field("string", "folder with the scoring script and what it imports", required=True),
    "entryScript": Field("string", "the scoring script, relative to sourceDirectory", required=True),
    "models": Field("object", "file or folder of each model, by name or name:version"),
    "scripts": Field("object", "more scoring scripts by name, for /score/<name>"),
    "sourceHash": Field("string", "hash of the scoring source", filled=True),
    "modelHashes": Field("object", "hash of each model", filled=True),
    "serverHash": Field("string", "hash of the scoring server", filled=True),
    "server": Field("string", "version of the scoring server", filled=True),
}
OUTPUTS: Fields = {
    "image": Field("string", "host/repository:tag@digest"),
    "digest": Field("string", "digest of the manifest"),
    "layers": Field("integer", "number of layers"),
    "size": Field("integer", "compressed bytes of all layers"),
}
