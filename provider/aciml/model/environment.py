"""The properties of ``aciml:image:Environment``."""

from __future__ import annotations

from ..core.lint_rules import RULES
from .shape import Field, Fields

WHERE: Fields = {
    "loginServer": Field("string", "registry to push to", required=True),
    "repository": Field("string", "repository in that registry", required=True),
}
BASE: Fields = {
    "baseImage": Field("string", "image to build on, such as debian:bookworm-slim; or a Dockerfile, below"),
    "baseUsername": Field("string", "account at the base's registry; Docker's own config is read without it"),
    "basePassword": Field("string", "its password", secret=True),
    "refreshBase": Field(
        "boolean", "look again what the base's tag means now; else it is looked up once", default=False
    ),
    "glibc": Field("string", "glibc version of the base image; found in the image if not given"),
    "dockerfile": Field("string", "Dockerfile that makes the base, instead of baseImage"),
    "dockerfileText": Field("string", "text of that Dockerfile"),
    "buildContext": Field("string", "folder that the Dockerfile copies from"),
    "buildTarget": Field("string", "stage of the Dockerfile that is the base; the last one without it"),
    "buildArgs": Field("object", "build arguments of the Dockerfile"),
    "buildSecrets": Field("object", "secrets of the Dockerfile's RUN --mount=type=secret, by id", secret=True),
}
STEPS: Fields = {
    "extraSteps": Field("array", "Dockerfile lines to run on the base, in order"),
    "extraStepsFile": Field("string", "file of Dockerfile lines, instead of extraSteps"),
    "stepsContext": Field("string", "folder that COPY and ADD copy from"),
    "builder": Field(
        "string",
        "who runs extraSteps: auto (Docker, else the target), docker, or acr (ACR Tasks)",
        words=("auto", "docker", "acr"),
        blank=True,
        default="auto",
    ),
    "lintOff": Field("array", "ids of lint rules that are switched off", words=tuple(RULES)),
    "caBundle": Field("string", "PEM file of certificates that building trusts; it is not put in the image"),
}
PACKAGES: Fields = {
    "condaFile": Field("string", "conda.yml of the environment"),
    "requirementsFile": Field("string", "requirements.txt, instead of a conda.yml"),
    "explicitFile": Field("string", "@EXPLICIT list of package URLs, instead of a conda.yml"),
    "lockFile": Field("string", "lock file; the conda.yml's name with .lock beside it without it"),
    "lockMode": Field(
        "string",
        "auto (use the lock file where it fits), frozen (it has to fit), or refresh (pass over it)",
        words=("auto", "frozen", "refresh"),
        blank=True,
        default="auto",
    ),
    "excludeNewer": Field("string", "packages newer than this time (RFC 3339) do not exist"),
    "virtualPackages": Field("object", "virtual packages and versions, such as __cuda: 12.4"),
    "serverRequirements": Field(
        "boolean", "bring what the scoring server needs, if conda does not; true if not said", default=True
    ),
    "postLink": Field(
        "string",
        "post-link scripts of packages: fail, step (run them in a build), or ignore",
        words=("fail", "step", "ignore"),
        default="fail",
    ),
}
LAYERS: Fields = {
    "previewLayers": Field(
        "string",
        "known, or build: a preview makes missing layers in the cache",
        words=("known", "build"),
        default="known",
    ),
    "compression": Field(
        "string", "of layers: gzip, zstd or none", words=("gzip", "zstd", "none"), blank=True, default="gzip"
    ),
    "keepTags": Field("integer", "how many older images of the repository stay; all without it", least=0),
    "keepDays": Field("integer", "how many days older images stay; forever without it", least=0, unit="days"),
    "sbom": Field("boolean", "attach a bill of materials to the image; true if not said", default=True),
}
FILLED: Fields = {
    "baseDigest": Field("string", "digest of the base image", filled=True),
    "baseKey": Field("string", "what the base's Dockerfile depends on: text, files, arguments, images", filled=True),
    "baseImages": Field("object", "digests of the images that the Dockerfile names", filled=True),
    "stepsKey": Field("string", "what the steps depend on: base, lines, files", filled=True),
    "dependencies": Field("object", "what conda.yml asks for", of="any", filled=True),
    "packages": Field("object", "conda packages: version and build by name", filled=True),
    "pipPackages": Field("object", "pip packages: version by name", filled=True),
    "lock": Field("array", "every package file with its sha256", filled=True),
}
FIELDS: Fields = {**WHERE, **BASE, **STEPS, **PACKAGES, **LAYERS, **FILLED}
