"""The page: one file of HTML with its style, its script and its facts, which asks for nothing.

The tables are written here and need no script; the treemap is drawn of the same facts in the browser.
Source: WCAG 2.2 (headings, tables, names, contrast); HTML, "Restrictions for contents of script elements".
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...core.anatomy import KINDS, Change, Kind
from ...core.phases import Span, spoken
from .contents import Build, Comparison, LayerReport, PackageSize, Report

WORDS: dict[Kind, str] = {
    "base": "base image", "steps": "extra steps", "conda": "conda packages", "pip": "pip packages",
    "server": "what the server needs", "models": "models", "application": "application", "other": "layers",
}  # fmt: skip

_HERE = Path(__file__).parent
# what would break lines, hide text or turn its direction (Unicode, categories Cc and Cf)
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def write_page(report: Report) -> str:
    """Return the report as HTML; equal reports are equal pages."""
    style, script = ((_HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    # a page opened from a disk is nobody's: it may run this script alone, and ask for nothing (CSP Level 3)
    only = f"style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    policy = f"default-src 'none'; img-src data:; {only}; base-uri 'none'; form-action 'none'"
    # as data and not as code: what a registry says is never run
    facts = _data(report.to_json() | {"words": WORDS})
    sections = [
        _head(report),
        _map(report),
        _changes(report),
        _shared(report),
        _time(report),
        _said(report),
        _tables(report),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_text(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # else a browser asks for /favicon.ico where the page comes from a server
        '<link rel="icon" href="data:,">\n'
        f"<title>{_text(_short(report.name))}: what is in the image</title>\n<style>{style}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#packages">Skip to the table of packages</a>\n<main>\n'
        + "\n".join(filter(None, sections))
        + f'\n</main>\n<script type="application/json" id="facts">{facts}</script>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _head(report: Report) -> str:
    # a package that two layers have is counted twice, as its bytes are
    packages = sum(len(one.packages) for one in report.layers)
    figures = [
        (bytes_as(report.size), "to fetch"),
        *([(bytes_as(report.unpacked), "unpacked")] if report.unpacked else []),
        tuple(counted(len(report.layers), "layer").split()),
        *([tuple(counted(packages, "package").split())] if packages else []),
        *([(bytes_as(report.against.bytes.new), "new against the image before")] if report.against else []),
    ]
    return (
        f"<h1>{_text(_short(report.name))}</h1>\n"
        f'<p class="digest">{_text(report.digest)}</p>\n'
        f'<ul class="figures">{"".join(f"<li><b>{_text(one)}</b>{_text(what)}</li>" for one, what in figures)}</ul>\n'
        + "".join(f'<p class="note">{_text(note)}</p>\n' for note in report.notes)
    )


def _said(report: Report) -> str:
    # packages have a table of their own
    facts = [(word, text) for word, text in report.facts.items() if word != "packages"]
    rows = "".join(f"<dt>{_text(word)}</dt><dd>{_text(text)}</dd>" for word, text in facts)
    return f'<section aria-labelledby="said"><h2 id="said">What it says of itself</h2>\n<dl>{rows}</dl></section>'


def _map(report: Report) -> str:
    # only kinds that are there: a legend of ten colours for three would have to be read
    kinds = [kind for kind in KINDS if any(one.part.kind == kind for one in report.layers)]
    legend = "".join(f"<li>{_kind(kind)}</li>" for kind in kinds)
    # an edge and no colour: both ways of colouring show it, and so does a printer
    if report.against:
        legend += '<li><span class="swatch edge" aria-hidden="true"></span>new against the image before</li>'
    choice = (
        '<fieldset class="tools" data-needs-script hidden><legend>Colour by</legend>'
        '<label><input type="radio" name="colour" value="kind" checked> what it is</label>'
        '<label><input type="radio" name="colour" value="new"> what is new against the image before</label>'
        "</fieldset>\n"
    )
    return (
        '<section aria-labelledby="sizes"><h2 id="sizes">Layers and packages by size</h2>\n'
        '<p id="how">Areas are compressed bytes: what a host fetches. Arrow keys move, Enter zooms in, '
        'Escape goes back; all of it is in the <a href="#layers">tables</a> below as well.</p>\n'
        + (choice if report.against else "")
        + '<nav id="path" aria-label="Where the map is" data-needs-script hidden><ol></ol></nav>\n'
        '<div id="map" role="group" aria-label="Map of the image by size" aria-describedby="how" '
        "data-needs-script hidden></div>\n"
        '<p id="told" class="soft" role="status" aria-live="polite"></p>\n'
        f'<ul class="legend" aria-label="Colours">{legend}</ul>\n'
        # a page has to say all it knows without a script, as in a mail or behind a strict proxy
        "<noscript><p>The map needs a script; the tables below do not.</p></noscript></section>"
    )


def _changes(report: Report) -> str:
    if report.against is None:
        return ""
    against = report.against
    rows = [_change_row(change) for change in against.changes]
    table = _table(
        counted(len(rows), "difference"),
        ("what", "name", "before", "now"),
        rows,
        name="changes",
        empty="Nothing differs.",
    )
    return (
        '<section aria-labelledby="changed"><h2 id="changed">What changed</h2>\n'
        f"<p>Against <code>{_text(against.name)}</code>.</p>\n"
        f"<p>A host that has it fetches <b>{bytes_as(against.bytes.new)}</b>; {bytes_as(against.bytes.shared)} it has "
        f"already, and {bytes_as(against.bytes.gone)} of the old image are needed no more.</p>\n"
        f"{_share_bar(against)}\n{table}</section>"
    )


def _share_bar(against: Comparison) -> str:
    # an image without a byte has no share of anything
    total = (against.bytes.shared + against.bytes.new) or 1
    part = 1000 * against.bytes.shared / total
    label = f"{bytes_as(against.bytes.shared)} shared, {bytes_as(against.bytes.new)} new"
    return (
        # without axes and numbers: those stand in the sentence above and in the tables
        f'<svg class="bar share" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label="{label}">'
        f'<rect class="shared" width="{part:.1f}" height="10"/>'
        f'<rect class="new" x="{part:.1f}" width="{1000 - part:.1f}" height="10"/></svg>'
    )


def _change_row(change: Change) -> tuple[str, ...]:
    old, new = _versions(change)
    return _kind(change.kind), _text(change.name), old, new


def _kind(kind: Kind) -> str:
    return f'<span class="swatch k-{kind}" aria-hidden="true"></span>{_text(WORDS[kind])}'


def _versions(change: Change) -> tuple[str, str]:
    """Return what stands under before and now: versions as they are, contents in a word and a short digest."""
    # a base has a name before its digest; of what has a version the version is shorter
    if change.kind != "base" and not _is_digests(change.old + change.new):
        return _text(change.old) or "not there", _text(change.new) or "gone"
    # 12 digits, as Docker shows them
    shorts = [", ".join(re.findall(r"sha256:([0-9a-f]{12})", text)) for text in (change.old, change.new)]
    names = [text.partition("@")[0] if change.kind == "base" else "" for text in (change.old, change.new)]
    told = [
        f"{_text(name)} <code>{short}</code>".strip() if short else ""
        for name, short in zip(names, shorts, strict=True)
    ]
    return told[0] or "not there", told[1] or "gone"


def _is_digests(text: str) -> bool:
    return "sha256:" in text


def _shared(report: Report) -> str:
    # a layer that an image has twice is fetched once
    layers = {one.part.layer.digest: one for one in report.layers}.values()
    base = [one for one in layers if report.ours and one.part.kind == "base"]
    rows = []
    if report.against:
        rows.append(_shared_row("the image before", [one for one in layers if one.is_in_before], report))
    if report.ours:
        rows.append(_shared_row(f"the base image {report.facts.get('base image', '')}".strip(), base, report))
    rows += [
        _shared_row(f"image {tag} of this repository", [one for one in layers if tag in one.others], report)
        for tag in report.looked_at
    ]
    # of the base it is known that others have it: it comes from a public registry
    alone = [one for one in layers if not one.is_in_before and not one.others and one not in base]
    rows.append(_shared_row("nobody that is known", alone, report))
    if report.looked_at:
        said = f"Looked at: {counted(len(report.looked_at), 'other image')} of the repository."
    else:
        said = "No other image of the repository is known."
    table = _table(
        "Bytes of this image that others have", ("shared with", "layers", "bytes", "of the image"), rows, name="sharing"
    )
    return (
        '<section aria-labelledby="shared"><h2 id="shared">Where bytes are shared</h2>\n'
        f"<p>A layer that two images have is kept, sent and fetched once. {said}</p>\n{table}</section>"
    )


def _shared_row(who: str, layers: Sequence[LayerReport], report: Report) -> tuple[str, ...]:
    count = sum(one.part.layer.size for one in layers)
    return _text(who), str(len(layers)), bytes_as(count), f"{100 * count / (report.size or 1):.1f} %"


def _time(report: Report) -> str:
    head = '<section aria-labelledby="time"><h2 id="time">Where time went in the build</h2>\n'
    if not report.builds:
        return f"{head}<p>Nothing is recorded of how this image was built.</p></section>"
    return head + "".join(map(_build, report.builds)) + "</section>"


def _build(build: Build) -> str:
    # a record without spans would else be divided by nothing
    end = max((span.end for span in build.spans), default=0.0) or 1.0
    rows = [
        (_text(span.name), spoken(span.seconds), f"{span.begin:.1f} to {span.end:.1f} s", _bar(span, end))
        for span in build.spans
    ]
    told = f"The {build.what}: {spoken(end)} from begin to end{_when(build.pushed)}."
    # two phases may take 10 s of 6 s: without this sentence that reads as a fault
    caption = f"{told} Phases run side by side; work of several threads adds up."
    return _table(caption, ("phase", "work", "when", "on the clock"), rows)


def _when(time: float) -> str:
    """Return when something was pushed; empty for what is no time, since a record is what somebody wrote."""
    with suppress(ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(time, UTC).strftime(", pushed %Y-%m-%d %H:%M UTC") if time else ""
    return ""


def _bar(span: Span, end: float) -> str:
    # three thousandths at least: a phase that was over at once is seen, too
    begin, width = 1000 * span.begin / end, max(1000 * (span.end - span.begin) / end, 3)
    return (
        '<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" width="1000" height="10"/>'
        f'<rect class="took" x="{begin:.1f}" width="{width:.1f}" height="10"/></svg>'
    )


def _tables(report: Report) -> str:
    packages = sorted(
        # the biggest first, since the question is what costs; names decide among equals, so that two pages can be
        # compared
        ((package, one) for one in report.layers for package in one.packages),
        key=lambda row: (-row[0].size, row[0].name),
    )
    found = (
        '<p data-needs-script hidden><label for="find">Find a package</label> <input type="search" id="find"> '
        f'<span id="found" role="status">{counted(len(packages), "package")}</span></p>\n'
    )
    licences = any(package.licence for package, _ in packages)  # of an image without a bill a column of nothing
    rows = [_package_row(package, one, licences=licences) for package, one in packages]
    columns = ("package", "version", "from", "bytes", "unpacked", "layer", *(["licence"] if licences else []))
    of_packages = _table("Packages, the biggest first", columns, rows, name="packages", scrolls=True)
    columns = ("layer", "what", "in it", "bytes", "unpacked", "shared with")
    layers = [_layer_row(one, report) for one in report.layers]
    return (
        '<section aria-labelledby="all"><h2 id="all">All layers and packages</h2>\n<h3>Layers</h3>\n'
        + _table("Layers, lowest first", columns, layers, name="layers", scrolls=True)
        + (f"<h3>Packages</h3>\n{found}{of_packages}" if rows else '<p id="packages">No packages are known.</p>')
        + "</section>"
    )


def _package_row(package: PackageSize, one: LayerReport, *, licences: bool) -> tuple[str, ...]:
    unpacked = bytes_as(package.unpacked) if package.unpacked else ""
    layer = f"<code>{one.part.layer.digest[7:19]}</code>"
    said = (_text(package.name), _text(package.version), _text(WORDS[one.part.kind]), bytes_as(package.size), unpacked)
    return (*said, layer, *([_text(package.licence)] if licences else []))


def _layer_row(one: LayerReport, report: Report) -> tuple[str, ...]:
    layer = one.part.layer
    inside = ", ".join(f"{package.name} {package.version}" for package in one.packages) or one.part.title
    with_whom = ["the image before"] if one.is_in_before else []
    with_whom += ["the base"] if report.ours and one.part.kind == "base" else []
    with_whom += [counted(len(one.others), "other image")] if one.others else []
    unpacked = bytes_as(one.unpacked) if one.unpacked else ""
    whom = ", ".join(with_whom) or "nobody known"
    return (
        f"<code>{layer.digest[7:19]}</code>",
        _kind(one.part.kind),
        _text(inside),
        bytes_as(layer.size),
        unpacked,
        whom,
    )


_NUMBERS = {"bytes", "unpacked", "layers", "of the image", "work", "when"}


def _table(
    caption: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    name: str = "",
    scrolls: bool = False,
    empty: str = "",
) -> str:
    """Return a table of cells that are HTML already; the first cell of a row is its header."""
    body = [_row(row, columns) for row in rows]
    if not body and empty:
        return f"<p>{_text(empty)}</p>"
    head = "".join(f'<th scope="col"{_class(column)}>{_text(column)}</th>' for column in columns)
    named = f' id="{name}"' if name else ""
    table = (
        f"<table{named}><caption>{_text(caption)}</caption><thead><tr>{head}</tr></thead>\n<tbody>\n"
        + "\n".join(body)
        + "\n</tbody></table>\n"
    )
    # what scrolls must be reached by keys (WCAG 2.1.1), and so needs a name
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{_text(caption)}">{table}</div>\n'
        if scrolls
        else table
    )


def _row(cells: Sequence[str], columns: Sequence[str]) -> str:
    first, *others = cells
    tail = "".join(f"<td{_class(column)}>{cell}</td>" for cell, column in zip(others, columns[1:], strict=True))
    return f'<tr><th scope="row">{first}</th>{tail}</tr>'


def _class(column: str) -> str:
    if column == "on the clock":
        return ' class="clock"'
    return ' class="number"' if column in _NUMBERS else ""


def counted(count: int, what: str) -> str:
    """Write a number of things, one of them without the s."""
    return f"{count} {what}{'s' * (count != 1)}"


def bytes_as(count: int) -> str:
    """Write bytes as people do, in steps of a thousand."""
    for unit, digits, word in ((10**9, 2, "GB"), (10**6, 1, "MB"), (10**3, 0, "KB")):
        if count >= unit:
            return f"{count / unit:.{digits}f} {word}"
    return f"{count} bytes"


def _short(name: str) -> str:
    return name.partition("@")[0]


def _text(text: str) -> str:
    """Return a text that is safe between tags and in quotes, whatever a package is called."""
    return html.escape(_UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text))


def _data(facts: Any) -> str:
    """Return JSON that ends no script element, opens no comment, and is no other text to a browser than to JSON."""
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
    # </script> ends the element wherever it stands (HTML, "script data state"), and the two separators end a line of
    # code
    for mark in "<>&\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
