"""The golden file of a service: read when it is judged and when it is proven; state keeps the hash of what it says.

What reads and compares is imported where there is a file: most services have none, and each preview would wait for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.encoding import decoded
from ..core.errors import AcimlError, Finding, UserError
from ..core.progress import Progress
from ..model.group import Group
from ..model.rules import group_of
from ..model.tls import AUTHORITIES
from ..model.traffic import Traffic
from ..model.volume import known_items
from ..properties import UNKNOWN, Values, is_unknown, reveal
from ..targets.protocol import ServiceTarget
from .certificate import read_certificate

if TYPE_CHECKING:
    from ..core.golden.request import Golden


def read_golden(name: str) -> Golden:
    """Read a golden file, and the files that it names.

    Raises:
        GoldenError: something is wrong with it.
        UserError: it cannot be read.
    """
    from ..core.golden.file import LARGEST_LINES, parse

    path = Path(name).expanduser()
    try:
        if path.stat().st_size > LARGEST_LINES:
            raise UserError(f"{name} has more than {LARGEST_LINES >> 20} MiB", "record fewer requests")
        data = path.read_bytes()
    except OSError as error:
        remedy = "write it with `aciml golden record`; paths are relative to the folder of Pulumi.yaml"
        raise UserError(f"{name} cannot be read: {error.strerror}", remedy) from error
    return parse(decoded(data, name), name, lambda file: (path.parent / file).read_bytes())


def golden_of(declared: Group) -> Golden | None:
    """Return the golden file of a service with the tolerances of the program; None if it has none.

    Raises:
        UserError: as ``read_golden``.
    """
    traffic = declared.runs.traffic
    if traffic is None or not traffic.golden:
        return None
    from ..targets.golden import declared_rules

    return replace(read_golden(traffic.golden), last=tuple(declared_rules(traffic)))


def golden_findings(declared: Group) -> Iterator[Finding]:
    """Report a golden file that is not there, cannot be read or has no answers, and paths that are none."""
    traffic = declared.runs.traffic
    if traffic is None:
        return
    from ..core.golden.path import PathError, Pattern

    for one in known_items(traffic.tolerances):
        try:
            Pattern.parse(one.path or "$")
        except PathError as error:
            # of one that does not begin with $ the model has told
            if (one.path or "$").startswith("$"):
                yield one.finding("path", str(error))
    # a variable of the program that is empty would let every model through
    if traffic.golden is not None and not traffic.golden.strip():
        yield traffic.finding("golden", f'"{traffic.golden}" names no file; name one, or drop golden')
        return
    if not traffic.golden:
        return
    if declared.tls.knows(AUTHORITIES):
        why = f"with {declared.tls.at(AUTHORITIES)} only certified clients may call, and nobody here has their key"
        yield traffic.finding("golden", f"{why}; drop golden")
    yield from _file_findings(traffic)


def _file_findings(traffic: Traffic) -> Iterator[Finding]:
    from ..core.golden.file import GoldenError

    name = str(traffic.golden)
    try:
        golden = read_golden(name)
    except GoldenError as error:
        yield from (traffic.finding("golden", one.why) for one in error.findings)
        return
    except UserError as error:
        yield traffic.finding("golden", str(error))
        return
    for one in golden.requests:
        if one.expected is None:
            why = f'"{one.name}" has no answer that it should get'
            yield traffic.finding("golden", f"{name}:{one.line}: {why}; `aciml golden record` writes it")


def misfit_findings(
    target: ServiceTarget, was: Values | None, new: Group, now: Values, progress: Progress
) -> list[Finding]:
    """Hold a file that is new, or says something else, to the document of the service that runs.

    What the image of that service would refuse stops the update, as long as it is the image that is asked; of another
    image, whose document nobody knows before it runs, it is a warning. What does not answer is not judged.

    Args:
        target: has the service.
        was: the inputs of before; None if there is no service yet.
        new: what is declared.
        now: the hash of the file, see ``golden_hash``.
        progress: gets warnings.
    """
    traffic, wire = new.runs.traffic, new.runs.at("golden_hash")
    changed = was is not None and wire in now and not is_unknown(now[wire]) and reveal(was.get(wire)) != now[wire]
    # an unchanged file was held to this document when it came; a preview asks no service for nothing
    if was is None or traffic is None or not traffic.golden or not changed:
        return []
    from ..core.golden.schema import misfits
    from ..core.golden.table import SUBJECT

    document = _document(target, was)
    found = [
        f'{traffic.golden}:{one.request.line}: "{one.request.name}" does not fit the model that runs: {one.why}'
        for one in misfits(read_golden(traffic.golden), document)
    ]
    if reveal(was.get("image")) == new.image:
        return [traffic.finding("golden", why) for why in found]
    for why in found:
        progress.warn(f"{SUBJECT}: {why}")
    return []


def _document(target: ServiceTarget, was: Values) -> Any:
    """Return the document of the service that runs; None if it cannot be had."""
    import ssl

    from ..targets.golden import document_of
    from ..targets.smoke import trust

    old = group_of(was)
    try:
        facts = target.find(old)
        certificate = read_certificate(old.tls) if facts is not None else None
        verify = trust(certificate)
    except (AcimlError, ssl.SSLError):
        return None
    if facts is None or not facts.address or facts.state != "Running":
        return None
    return document_of(f"{'https' if certificate else facts.scheme or 'http'}://{facts.address}", verify)


def golden_hash(declared: Group) -> Values:
    """Return ``goldenHash`` for inputs that were judged; nothing without a file, unknown while its name is."""
    runs = declared.runs
    traffic, wire = runs.traffic, runs.at("golden_hash")
    if runs.is_unsure("traffic") or (traffic is not None and traffic.is_unsure("golden")):
        return {wire: UNKNOWN}
    if traffic is None or not traffic.golden:
        return {}
    from ..core.golden.text import as_lines

    # of what it says, with the files that it names: neither a comment nor another form of the same is a change
    golden = read_golden(traffic.golden)
    digest = hashlib.sha256(as_lines(replace(golden, recorded={})).encode())
    for one in golden.requests:
        digest.update(hashlib.sha256(one.body or b"").digest())
    return {wire: digest.hexdigest()}
