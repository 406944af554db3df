"""The golden file of a service: read when it is judged and when it is proven; state keeps the hash of what it says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ..core.encoding import decoded
from ..core.errors import Finding, UserError
from ..core.golden.file import LARGEST_LINES, GoldenError, parse
from ..core.golden.path import PathError, Pattern
from ..core.golden.request import Golden
from ..core.golden.text import as_lines
from ..core.golden.tolerance import Rule, Tolerance
from ..model.group import Group
from ..model.tls import AUTHORITIES
from ..model.traffic import Traffic
from ..model.volume import known_items
from ..properties import UNKNOWN, Values


def read_golden(name: str) -> Golden:
    """Read a golden file, and the files that it names.

    Raises:
        GoldenError: something is wrong with it.
        UserError: it cannot be read.
    """
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
    return replace(read_golden(traffic.golden), last=tuple(_rules(traffic)))


def golden_findings(declared: Group) -> Iterator[Finding]:
    """Report a golden file that is not there, cannot be read or has no answers, and paths that are none."""
    traffic = declared.runs.traffic
    if traffic is None:
        return
    for one in known_items(traffic.tolerances):
        try:
            Pattern.parse(one.path or "$")
        except PathError as error:
            # of one that does not begin with $ the model has told
            if (one.path or "$").startswith("$"):
                yield one.finding("path", str(error))
    if not traffic.golden:
        return
    if declared.tls.knows(AUTHORITIES):
        why = f"with {declared.tls.at(AUTHORITIES)} only certified clients may call, and nobody here has their key"
        yield traffic.finding("golden", f"{why}; drop golden")
    yield from _file_findings(traffic)


def _file_findings(traffic: Traffic) -> Iterator[Finding]:
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


def golden_hash(declared: Group) -> Values:
    """Return ``goldenHash`` for inputs that were judged; nothing without a file, unknown while its name is."""
    runs = declared.runs
    traffic, wire = runs.traffic, runs.at("golden_hash")
    if runs.is_unsure("traffic") or (traffic is not None and traffic.is_unsure("golden")):
        return {wire: UNKNOWN}
    if traffic is None or not traffic.golden:
        return {}
    # of what it says, with the files that it names: neither a comment nor another form of the same is a change
    golden = read_golden(traffic.golden)
    digest = hashlib.sha256(as_lines(replace(golden, recorded={})).encode())
    for one in golden.requests:
        digest.update(hashlib.sha256(one.body or b"").digest())
    return {wire: digest.hexdigest()}


def _rules(traffic: Traffic) -> Iterator[Rule]:
    for one in known_items(traffic.tolerances):
        yield Rule(Pattern.parse(one.path or "$"), Tolerance(one.absolute or 0.0, one.relative or 0.0))
