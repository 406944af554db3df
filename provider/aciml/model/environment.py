"""The properties of ``aciml:image:Environment``."""

from __future__ import annotations

from ..core.lint_rules import RULES
from .shape import Field, Fields

WHERE: Fields = {
    "loginServer": Field("registry to push to", kind="string", required=True),
    "repository": Field("repository in that registry", kind="string", required=True),
}
BASE: Fields = {
    "baseImage": Field("image to build on, such as debian:bookworm-slim; or a Dockerfile, below", kind="string"),
    "baseUsername": Field("account at the base's registry; Docker's own config is read without it", kind="string"),
    "basePassword": Field("its password", kind="string", secret=True),
    "refreshBase": Field(
        "look again what the base's tag means now; else it is looked up once", kind="boolean", default=False
    ),
    "glibc": Field("glibc version of the base image; found in the image if not given", kind="string"),
    "dockerfile": Field("Dockerfile that makes the base, instead of baseImage", kind="string"),
    "dockerfileText": Field("text of that Dockerfile", kind="string"),
    "buildContext": Field("folder that the Dockerfile copies from", kind="string"),
    "buildTarget": Field("stage of the Dockerfile that is the base; the last one without it", kind="string"),
    "buildArgs": Field("build arguments of the Dockerfile", kind="object"),
    "buildSecrets": Field("secrets of the Dockerfile's RUN --mount=type=secret, by id", kind="object", secret=True),
}
STEPS: Fields = {
    "extraSteps": Field("Dockerfile lines to run on the base, in order", kind="array"),
    "extraStepsFile": Field("file of Dockerfile lines, instead of extraSteps", kind="string"),
    "stepsContext": Field("folder that COPY and ADD copy from", kind="string"),
    "builder": Field(
        "who runs extraSteps: auto (Docker, else the target), docker, or acr (ACR Tasks)",
        kind="string",
        words=("auto", "docker", "acr"),
        blank=True,
        default="auto",
    ),
    "lintOff": Field("ids of lint rules that are switched off", kind="array", words=tuple(RULES)),
    "caBundle": Field("PEM file of certificates that building trusts; it is not put in the image", kind="string"),
}
PACKAGES: Fields = {
    "condaFile": Field("conda.yml of the environment", kind="string"),
    "requirementsFile": Field("requirements.txt, instead of a conda.yml", kind="string"),
    "explicitFile": Field("@EXPLICIT list of package URLs, instead of a conda.yml", kind="string"),
    "lockFile": Field("lock file; the conda.yml's name with .lock beside it without it", kind="string"),
    "lockMode": Field(
        "auto (use the lock file where it fits), frozen (it has to fit), or refresh (pass over it)",
        kind="string",
        words=("auto", "frozen", "refresh"),
        blank=True,
        default="auto",
    ),
    "excludeNewer": Field("packages newer than this time (RFC 3339) do not exist", kind="string"),
    "virtualPackages": Field("virtual packages and versions, such as __cuda: 12.4", kind="object"),
    "serverRequirements": Field(
        "bring what the scoring server needs, if conda does not; true if not said", kind="boolean", default=True
    ),
    "postLink": Field(
        "post-link scripts of packages: fail, step (run them in a build), or ignore",
        kind="string",
        words=("fail", "step", "ignore"),
        default="fail",
    ),
}
LAYERS: Fields = {
    "previewLayers": Field(
        "known, or build: a preview makes missing layers in the cache",
        kind="string",
        words=("known", "build"),
        default="known",
    ),
    "compression": Field(
        "of layers: gzip, zstd or none", kind="string", words=("gzip", "zstd", "none"), blank=True, default="gzip"
    ),
    "keepTags": Field("how many older images of the repository stay; all without it", kind="integer", least=0),
    "keepDays": Field("how many days older images stay; forever without it", kind="integer", least=0, unit="days"),
    "sbom": Field("attach a bill of materials to the image; true if not said", kind="boolean", default=True),
}
FILLED: Fields = {
    "baseDigest": Field("digest of the base image", kind="string", filled=True),
    "baseKey": Field(
        "what the base's Dockerfile depends on: text, files, arguments, images", kind="string", filled=True
    ),
    "baseImages": Field("digests of the images that the Dockerfile names", kind="object", filled=True),
    "stepsKey": Field("what the steps depend on: base, lines, files", kind="string", filled=True),
    "dependencies": Field("what conda.yml asks for", kind="object", of="any", filled=True),
    "packages": Field("conda packages: version and build by name", kind="object", filled=True),
    "pipPackages": Field("pip packages: version by name", kind="object", filled=True),
    "lock": Field("every package file with its sha256", kind="array", filled=True),
}
FIELDS: Fields = {**WHERE, **BASE, **STEPS, **PACKAGES, **LAYERS, **FILLED}
