"""Pin what a base stands on, and judge what is known of it before anything is built."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from packaging.version import InvalidVersion, Version

from ..core.credentials import Credentials
from ..core.errors import Finding, OutageError, UserError
from ..core.progress import Progress
from ..core.reference import Reference
from ..core.stages import SCRATCH, is_known_image
from .base import BaseImages, NotKnownYet, base_images
from .dockerfile_base import Draft, dockerfile_of, is_certain, known_images, pin_images, read_draft
from .packages import wants_packages
from .server_needs import OLDEST_PYTHON
from .told import place_of
from .workshop import Workshop

if TYPE_CHECKING:
    from ..core.image import Image

Values = dict[str, Any]


def with_base_login(shop: Workshop, values: Values, unknown: Collection[str] = ()) -> Workshop:
    """Return the workshop that logs in where the base is with the account that is given for it, and nowhere else."""
    username, password = (str(values.get(name, "")) for name in ("baseUsername", "basePassword"))
    if not username:
        return shop
    image = str(values.get("baseImage", ""))
    if not image and any(values.get(name) for name in ("dockerfile", "dockerfileText")):
        draft = read_draft(values, unknown)[0]
        image = draft.dockerfile.base if draft else SCRATCH
    if image in ("", SCRATCH) or not is_known_image(image):
        return shop
    account = Credentials(username, password)
    return shop.with_base_account(Reference.parse(image).registry, account)


def pin_dockerfile(
    shop: Workshop, old: Values, new: Values, progress: Progress, unknown: Collection[str] = ()
) -> Values:
    """Return ``baseImages``, ``baseKey`` and ``glibc``; images that were pinned last time keep their digests.

    What depends on one of the inputs in ``unknown`` is left out.

    Raises:
        UserError: an image is not there, or no glibc can be found below the wanted stage.
    """
    from .pin import BaseError, recent

    where = "dockerfile" if new.get("dockerfile") else "dockerfileText"
    draft, findings = read_draft(new, unknown)
    bases, pinned = base_images(shop, unknown), Values()

    def resolve(text: str) -> str:
        return recent(shop, "base-tag", text, lambda: bases.resolve(text, progress))

    try:
        if draft is None or findings:
            return {}  # it was judged a moment ago; whoever changed it is told by the next check
        texts, all_known = known_images(draft, unknown)
        images = pin_images(texts, old, resolve, refresh=new.get("refreshBase") is True)
        if "refreshBase" in unknown and images != pin_images(texts, old, resolve, refresh=True):
            return {}
        pinned |= {"baseImages": images} if all_known else {}
        pinned |= {"baseKey": draft.key(images)} if all_known and is_certain(draft, unknown) else {}
        if "glibc" not in unknown:
            pinned |= _glibc(bases, draft, images, old, new, progress, unknown)
    except NotKnownYet:
        pass  # the rest is what is known
    except UserError as error:
        told = BaseError(error.message, error.advice)
        told.where = where
        raise told from error
    return pinned


def _glibc(
    bases: BaseImages,
    draft: Draft,
    images: dict[str, str],
    old: Values,
    new: Values,
    progress: Progress,
    unknown: Collection[str],
) -> Values:
    """Return the glibc of the image below the wanted stage: what a Dockerfile adds to it rarely brings another."""
    if "glibc" in new:
        return {"glibc": new["glibc"]}
    if not wants_packages(new, unknown):
        return {}
    base = draft.dockerfile.base
    if "buildTarget" in unknown or not is_known_image(base):
        return {}
    if old.get("glibc") and (old.get("baseImages") or {}).get(base) == images.get(base):
        return {"glibc": old["glibc"]}
    if base == SCRATCH:
        advice = "set glibc in the environment's config, such as glibc: '2.36'"
        raise UserError("the Dockerfile stands on scratch, so that nobody can look up its glibc", advice)
    return {"glibc": bases.glibc(Reference.parse(base).at(images[base]), progress, place_of(new))}


def judge_python(values: Values) -> list[Finding]:
    """Report a Python that is too old for the scoring server."""
    packages = values.get("packages") or {}
    version = str(packages.get("python", "")).split(" ")[0]
    try:
        too_old = bool(version) and Version(version) < Version(OLDEST_PYTHON)
    except InvalidVersion:
        return []
    if not too_old:
        return []
    why = f"the environment has Python {version}, but the scoring server that is put into every image needs"
    where = next((name for name in ("condaFile", "explicitFile") if values.get(name)), "condaFile")
    return [Finding(where, f"{why} {OLDEST_PYTHON} or newer; ask for a newer python")]


def count_base_layers(shop: Workshop, values: Mapping[str, Any]) -> int:
    """Return how many layers the base has; for a Dockerfile that was not built yet, how many it can have at most.

    Raises:
        AcimlError: the Dockerfile changed since it was checked, or the base's registry does not answer.
        KeyError: the base is not pinned.
    """
    made = dockerfile_of(dict(values))
    if made is None:
        reference = Reference.parse(str(values["baseImage"])).at(str(values["baseDigest"]))
        return len(BaseImages(shop).image(reference).layers)
    return len(BaseImages(shop).image(made.below).layers) + made.draft.dockerfile.most_layers


def judge_base_size(shop: Workshop, values: Values) -> list[Finding]:
    """Report a base that alone is larger than an image may be on the target; an outage is not judged."""
    limit = shop.target.largest_image()
    if not limit or not values.get("baseDigest"):
        return []
    reference = Reference.parse(str(values["baseImage"])).at(str(values["baseDigest"]))
    try:
        warning = size_warning(BaseImages(shop).image(reference), limit)
    except OutageError:
        return []
    return [Finding("baseImage", f"{warning}; choose a smaller base")] if warning else []


def size_warning(image: Image, limit: int) -> str:
    """Return what to say of an image that is larger than the target starts; empty if it is not.

    Args:
        image: whose layers count, compressed.
        limit: bytes; 0 if there is none.
    """
    size = sum(layer.size for layer in image.layers)
    if not limit or size <= limit:
        return ""
    return f"the image has {size / 1e9:.1f} GB of layers, and what runs it starts images up to {limit / 1e9:.0f} GB"
