"""An image that is there already, run as it is: what its registry says of it."""

from __future__ import annotations

from ...core.compose import inputs_of
from ...core.errors import OutageError, UserError
from ...core.image import Image
from ...core.progress import Progress
from ...core.reference import Reference
from ...model.declared import wires_of
from ...model.service import Service
from ...registry.limits import HASTY
from ..tools import Tools
from .holders import hold, let_go

(_SERVICE,) = wires_of(Service, "entry_script")  # what a service's image is made of, and an environment's is not


def find(tools: Tools, reference: Reference) -> Image:
    """Return the image.

    Raises:
        UserError: its registry says that there is none.
        OutageError: it does not answer.
    """
    # the registry and not the cache is asked: what is only here cannot be pulled by whoever runs it
    if tools.client(reference.registry).head_manifest(reference.repository, reference.digest) is None:
        raise _none_of(reference)
    image = tools.load_image(reference)
    if image is None:
        raise UserError(f"{reference} went while it was looked at", "run the same command again")
    return image


def _none_of(reference: Reference) -> UserError:
    where = f"{reference.registry}/{reference.repository}"
    return UserError(f"{where} has no image {reference.digest}", "`aciml rollback --list` shows those it has")


def is_missing(tools: Tools, reference: Reference) -> str:
    """Say why an image cannot be run, if its registry answers and says so; empty if it is there, or nobody answers."""
    return "" if _answers(tools, reference) is not False else str(_none_of(reference))


def glance(tools: Tools, reference: Reference) -> Image | None:
    """Return the image if its registry has it and answers at once: a preview does not wait for a registry."""
    return find(tools, reference) if _answers(tools, reference) else None


def _answers(tools: Tools, reference: Reference) -> bool | None:
    """Tell whether a registry has the image; None if it does not answer, and so does not say."""
    try:
        with tools.glance(reference.registry, HASTY) as client:
            return client.head_manifest(reference.repository, reference.digest) is not None
    except OutageError:
        return None


def take(tools: Tools, reference: Reference, holder: str, before: Reference | None, progress: Progress) -> Image:
    """Take an image for a service: write down in its repository that it is needed, and no longer in the one before."""
    image = find(tools, reference)
    if not is_service(image):
        progress.warn(f"{reference} was not made as the image of a service; it has to serve by itself")
    hold(tools.client(reference.registry), reference.repository, reference.digest, holder)
    if before and (before.registry, before.repository) != (reference.registry, reference.repository):
        let_go(tools.client(before.registry), before.repository, holder)
    progress.note(f"{reference} is run as it is; nothing is built")
    return image


def is_service(image: Image) -> bool:
    """Tell whether it was made as the image of a service."""
    return _SERVICE in inputs_of(image)
