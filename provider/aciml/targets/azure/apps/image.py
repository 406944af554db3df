"""How large an image is, for the limit of container apps: the layers of its manifest, compressed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from ....core.credentials import Credentials
from ....core.errors import AcimlError, Finding
from ....core.reference import Reference
from ....model.group import Group
from ....registry.client import RegistryClient
from ....registry.limits import HASTY
from .limits import LARGEST_IMAGE


def judge(
    old: Group | None, new: Group, credentials: Callable[[str], Credentials], ca_bundle: Path | None
) -> Iterator[Finding]:
    """Report an image that is larger than the service starts.

    Nothing is asked of one that is there already, or not known yet; who cannot be asked is not judged.

    Args:
        old: as it was declared; None if it is to be made.
        new: as it shall be.
        credentials: how to log in to a host.
        ca_bundle: whom to trust.
    """
    if not new.image or "@sha256:" not in new.image or (old is not None and old.image == new.image):
        return
    try:
        size = _size(Reference.parse(new.image), credentials, ca_bundle)
    except AcimlError:
        # whoever pulls asks the same registry, and says what is wrong with it
        return
    if size > LARGEST_IMAGE:
        most = f"a container app starts images up to {LARGEST_IMAGE / 1e9:.0f} GB"
        advice = "make it smaller, or write runsOn: container_group, which takes 15 GB"
        yield new.finding("image", f"the image has {size / 1e9:.1f} GB of layers, and {most}; {advice}")


def _size(reference: Reference, credentials: Callable[[str], Credentials], ca_bundle: Path | None) -> int:
    login = credentials(reference.registry)
    # once: who is in a preview shall not wait for a registry whose answer is not needed
    with RegistryClient(reference.registry, login, ca_bundle=ca_bundle, limits=HASTY) as client:
        found = client.manifest(reference.repository, reference.digest)
    if found is None:
        return 0
    # a list of platforms has no layers of its own; ours are images of one
    return sum(int(layer.get("size") or 0) for layer in json.loads(found.body).get("layers") or ())
