"""The properties of ``aciml:image:Service``, and what every pushed image tells of itself."""

from __future__ import annotations

from .shape import Field, Fields

FIELDS: Fields = {
    "loginServer": Field("registry to push to", kind="string", required=True),
    "repository": Field("repository in that registry", kind="string", required=True),
    "environmentImage": Field("image of the environment, with its digest", kind="string", required=True),
    "sourceDirectory": Field("folder with the scoring script and what it imports", kind="string", required=True),
    "entryScript": Field("the scoring script, relative to sourceDirectory", kind="string", required=True),
    "models": Field("file or folder of each model, by name or name:version", kind="object"),
    "scripts": Field("more scoring scripts by name, for /score/<name>", kind="object"),
    "sourceHash": Field("hash of the scoring source", kind="string", filled=True),
    "modelHashes": Field("hash of each model", kind="object", filled=True),
    "serverHash": Field("hash of the scoring server", kind="string", filled=True),
    "server": Field("version of the scoring server", kind="string", filled=True),
}
OUTPUTS: Fields = {
    "image": Field("host/repository:tag@digest", kind="string"),
    "digest": Field("digest of the manifest", kind="string"),
    "layers": Field("number of layers", kind="integer"),
    "size": Field("compressed bytes of all layers", kind="integer"),
}
