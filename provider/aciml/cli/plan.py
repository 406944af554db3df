"""``aciml plan``: what a preview would say of the images, without Pulumi's engine and without Docker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ..core.compose import inputs_of
from ..core.errors import OutageError, UserError
from ..core.image import Image, Layer
from ..core.pip_package import PIP
from ..core.progress import Progress
from ..images.tools import Tools
from ..model.environment import Environment, Pins, read_environment
from ..model.registry import LOGIN_SERVER
from ..model.service import ENVIRONMENT_IMAGE
from ..properties import Values
from .declared import Resource
from .making import (
    NOWHERE,
    Pinned,
    Wanted,
    all_wanted,
    file_options,
    image_at,
    learn_users,
    pinned,
    service_on,
    tools_of,
    wanted,
)
from .stack import stack_options
from .terminal import Terminal, answer, json_option


@click.command("plan")
@click.option(
    "--against", default="", metavar="IMAGE", help="Compare with this image; with the last pushed without it."
)
@click.option("--name", default="", help="Name of one component; all of the stack without it.")
@click.option("--make", is_flag=True, help="Make missing layers into the cache, so that the digest is known.")
@file_options
@stack_options
@json_option
def command(
    *, against: str, name: str, make: bool, stack: str, project: Path | None, as_json: bool, **files: Any
) -> None:
    """Say what an update would do to the images: base, packages, layers, bytes, the digest that will run.

    Of a stack, or of files given by options. Channels, index and registries are asked as in a preview, and nothing is
    pushed.
    """
    progress = Terminal()
    # one image is compared with one; else all that the stack declares, as a preview does
    wish = (
        [wanted(stack, project, name, files, progress)]
        if against
        else all_wanted(stack, project, name, files, progress)
    )
    plans = [_Plan(one, against, progress, make=make).facts() for one in wish]
    progress.done()
    answer(plans[0] if len(plans) == 1 else {"plans": plans}, _all_lines(plans), as_json=as_json)


@dataclass(frozen=True)
class _Compared:
    """The image that is compared with, and what environment and service were made of; sizes in bytes."""

    reference: str | None
    environment: Values
    service: Values
    environment_size: int | None
    service_size: int | None


@dataclass(frozen=True)
class _Plan:
    wanted: Wanted
    against: str
    progress: Progress
    make: bool

    def facts(self) -> dict[str, Any]:
        """Return what is told of the environment and of the service; None for one that there is not."""
        tools = tools_of(self.wanted.any)
        old = self._compared(tools)
        facts: dict[str, Any] = {"against": old.reference, "environment": None, "service": None}
        image, reference = None, ""
        if one := self.wanted.environment:
            # pinned by the last update whatever it is compared with: that is what the next one starts from
            pins = pinned(one, tools, one.before, self.progress)
            facts["environment"], image, reference = self._environment(one, pins, old)
            tools = pins.tools
        if one := self.wanted.service:
            facts["service"] = self._service(one, tools, image, reference, old)
        return facts

    def _compared(self, tools: Tools) -> _Compared:
        environment, service = self.wanted.environment, self.wanted.service
        if not self.against:
            # the service's image stands on the environment's: where both are declared it is the one that ran
            last = [one.pushed for one in (service, environment) if one and one.pushed]
            return _Compared(
                last[0] if last else None,
                environment.before if environment else {},
                service.before if service else {},
                _said_size(environment),
                _said_size(service),
            )
        reference, image = image_at(tools, self.against)
        # the inputs that an image was made of are in a label of its own, so another machine compares as well as this
        # one
        made = inputs_of(image)
        if not made:
            raise UserError(f"{reference} does not say what it is made of", "name an image that aciml has made")
        # the image of a service names the one that it stands on; without that it is an environment itself
        if "environment" not in made:
            return _Compared(str(reference), made, {}, _size(image), None)
        # in the same registry, whatever that was called where it was pushed from
        below, under = image_at(tools, f"{reference.registry}/{made.pop('environment')}")
        place = {LOGIN_SERVER: reference.registry, "repository": reference.repository}
        service_made = {**made, **place, ENVIRONMENT_IMAGE: str(below)}
        return _Compared(str(reference), inputs_of(under), service_made, _size(under), _size(image))

    def _environment(
        self, resource: Resource, pins: Pinned, old: _Compared
    ) -> tuple[dict[str, Any], Image | None, str]:
        from ..images.build.environment import weights_of
        from ..images.build.summary import Cost, waiting_line
        from ..images.build.update import foresee

        now, before = pins.now, read_environment(old.environment)
        facts: dict[str, Any] = {
            "name": resource.title,
            "repository": now.repository,
            "base": _base(before, now),
            "packages": _packages(before.pins, now.pins),
            "digest": None, "image": None, "size": None, "size_before": old.environment_size,
            "layers": [], "to_make": None, "upload": None, "reused": None, "waits": "",
        }  # fmt: skip
        if waiting := waiting_line(before, now):
            # a preview says the same of it, and nothing of the image can be said until it is known
            return {**facts, "waits": waiting}, None, ""
        # the word by which a preview of Pulumi makes layers, too
        wish = now.but(layers=now.layers.but(preview_layers="build")) if self.make else now
        foreseen = foresee(pins.tools, wish, self.progress)
        seen, image = foreseen.seen, foreseen.seen.image
        cost = Cost.of(seen.layers, foreseen.present, len(seen.missing), seen.packages)
        weights = weights_of(foreseen.recipe)
        facts |= {
            "layers": list(_layers(weights, seen.layers, seen.missing, foreseen.present, image)),
            "to_make": {"layers": cost.to_make, "package_bytes": cost.packages},
            "upload": cost.bytes,
            "reused": cost.reused,
        }
        if image is None:
            return facts, None, ""
        # a service is planned on it, and asks for it by its digest
        # kept in memory alone: nothing was pushed, and the registry would answer 404
        foreseen.tools.keep_image(image)
        learn_users(foreseen.tools, foreseen.recipe, self.progress)
        # the hosts of a stack may be unknown before its first update: a digest is known without one
        host = now.login_server or NOWHERE
        reference = f"{host}/{now.repository}:{image.tag}@{image.digest}"
        facts |= {"digest": image.digest, "image": reference if now.login_server else None}
        return {**facts, "size": _size(image)}, image, reference

    def _service(
        self, resource: Resource, tools: Tools, environment: Image | None, reference: str, old: _Compared
    ) -> dict[str, Any]:
        from ..images.build.service import build
        from ..resources.service import ServiceImage

        given = resource.inputs.get(ENVIRONMENT_IMAGE)
        # an image that the program names by itself goes before the one that was just planned
        reference = given if isinstance(given, str) else reference
        now = service_on(resource, tools, reference, resource.before, self.progress)
        facts: dict[str, Any] = {
            "name": resource.title, "repository": now.repository, "digest": None, "image": None, "size": None,
            "size_before": old.service_size, "changes": None, "waits": "",
        }  # fmt: skip
        if old.service:
            from ..model.unknowns import encoded

            found = ServiceImage(tools).named_changes(old.service, encoded(now))
            # another place is no other image
            facts["changes"] = [one for one in found if one not in (LOGIN_SERVER, "repository")]
        if existing := resource.inputs.get("existingImage"):
            digest = str(existing).rpartition("@")[2]
            return {**facts, "digest": digest, "waits": f"nothing is built: {existing} runs"}
        if not reference:
            return {**facts, "waits": "the image's digest is not known before that of the environment is"}
        # an outage of the registry is no reason to say nothing of the environment
        try:
            image = build(tools, now, self.progress)
        except OutageError as error:
            return {**facts, "waits": f"the image's digest is not known: {error}"}
        host = now.login_server
        facts |= {
            "digest": image.digest,
            "image": f"{host}/{now.repository}:{image.tag}@{image.digest}" if host else None,
        }
        # what the environment has is told there: a sum over both would count its bytes twice
        below = {layer.digest for layer in environment.layers} if environment else set[str]()
        own = [layer for layer in image.layers if layer.digest not in below]
        return {
            **facts,
            "size": _size(image),
            "own_bytes": sum(layer.size for layer in own),
        }


def _said_size(resource: Resource | None) -> int | None:
    # state has numbers as floats, since Pulumi knows no others
    said = resource.outputs.get("size") if resource else None
    return int(said) if isinstance(said, int | float) else None


def _size(image: Image) -> int:
    return sum(layer.size for layer in image.layers)


def _base(before: Environment, now: Environment) -> dict[str, Any]:
    """Return what the base is by its tag and digest, or what its Dockerfile is made of; and what it was."""
    image, digest, was = now.base.base_image, now.pins.base_digest, before.pins.base_digest
    facts: dict[str, Any] = {"image": image, "digest": digest, "before": was, "changed": bool(was) and was != digest}
    # a Dockerfile may begin with several images, and none of them is "the base" alone
    if image is None:
        facts |= {"dockerfile_images": dict(now.pins.base_images or {}), "digest": None}
        facts["changed"] = bool(before.pins.base_key) and before.pins.base_key != now.pins.base_key
    return facts


def _packages(before: Pins, now: Pins) -> dict[str, Any]:
    """Return packages that come, go and change, by name; with their versions, conda's with the build."""
    old, new = (
        {**(pins.packages or {}), **{f"{PIP}{name}": version for name, version in (pins.pip_packages or {}).items()}}
        # one package may come from both, as numpy of conda below a wheel's: the prefix keeps them apart
        for pins in (before, now)
    )
    both = sorted(old.keys() & new.keys())
    return {
        "added": {name: new[name] for name in sorted(new.keys() - old.keys())},
        "removed": {name: old[name] for name in sorted(old.keys() - new.keys())},
        "changed": {name: [old[name], new[name]] for name in both if old[name] != new[name]},
        "total": len(new),
    }


def _layers(
    weights: Mapping[str, int],
    known: tuple[Layer, ...],
    missing: tuple[str, ...],
    present: frozenset[str],
    image: Image | None,
) -> Iterator[dict[str, Any]]:
    """Yield each layer with what is in it, its bytes, and whether it is in the registry, here, or still to be made."""
    if image is not None:
        said = [str(one.get("created_by", "")) for one in image.history if not one.get("empty_layer")]
        for layer, what in zip(image.layers, said, strict=True):
            # of the base's own layers we say nothing here: its history is full of commands
            yield _layer(layer, what if what.startswith("aciml: ") else "base", present)
        return
    # the order is that of the plan, so a layer that is to be made stands last and not where it will lie
    # layers of packages are planned by name, in order; what is below them is the base's and the steps'
    names = [name for name in weights if name not in missing]
    below = len(known) - len(names)
    for number, layer in enumerate(known):
        yield _layer(layer, names[number - below] if number >= below else "base", present)
    for name in missing:
        yield {"what": name, "digest": None, "size": weights.get(name) or None, "state": "to make"}


def _layer(layer: Layer, what: str, present: frozenset[str]) -> dict[str, Any]:
    state = "in the registry" if layer.digest in present else "to upload"
    return {"what": what.removeprefix("aciml: "), "digest": layer.digest, "size": layer.size, "state": state}


def _all_lines(plans: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    told: list[Any] = []
    for number, facts in enumerate(plans):
        if number:
            yield ""
        yield from _lines(facts, told)
        told.append(facts["environment"])


def _lines(facts: Mapping[str, Any], told: Sequence[Any]) -> Iterator[str]:
    """Yield the lines of one plan; an environment that several services stand on is told once."""
    # an image that was named; without one the comparison is with the last update, which needs no word
    if facts["against"]:
        yield f"against {facts['against']}"
    one = facts["environment"]
    if one and any(other and other["name"] == one["name"] for other in told):
        yield f"environment {one['name']} ({one['repository']}), as above"
    elif one:
        yield from _environment_lines(one)
    if one := facts["service"]:
        yield from _service_lines(one)


def _environment_lines(one: Mapping[str, Any]) -> Iterator[str]:
    from ..images.build.summary import kilobytes

    yield f"environment {one['name']} ({one['repository']})"
    base = one["base"]
    was = f", was {base['before']}" if base["changed"] and base["before"] else ""
    pins = [f"{image}@{digest}" for image, digest in base.get("dockerfile_images", {}).items()]
    named = f"{base['image']}@{base['digest'] or '?'}" if base["image"] else f"Dockerfile on {', '.join(pins) or '?'}"
    yield f"  base      {named}{was}{' (changed)' if base['changed'] and not was else ''}"
    packages = one["packages"]
    added, removed, changed = packages["added"], packages["removed"], packages["changed"]
    yield f"  packages  +{len(added)} ~{len(changed)} -{len(removed)}, {packages['total']} in all"
    rows = [(name, f"+ {name} {version}") for name, version in added.items()]
    rows += [(name, f"- {name} {version}") for name, version in removed.items()]
    rows += [(name, f"~ {name} {old} -> {new}") for name, (old, new) in changed.items()]
    for _, row in sorted(rows):
        yield f"    {row}"
    for layer in one["layers"]:
        size = kilobytes(layer["size"]) if layer["size"] else ""
        yield f"  layer     {layer['state']:<15}  {size:>7}  {_short(layer['what'])}"
    if one["upload"] is not None:
        make = one["to_make"]
        of = f" of {kilobytes(make['package_bytes'])} of packages" if make["package_bytes"] else ""
        sent = f"{_megabytes(one['upload'])} to upload, {one['reused']} layers reused"
        yield f"  cost      {sent}, {make['layers']} to make{of}"
    yield from _end(one)


def _service_lines(one: Mapping[str, Any]) -> Iterator[str]:
    yield f"service {one['name']} ({one['repository']})"
    changes = one["changes"]
    for number, change in enumerate(changes or (["nothing"] if changes is not None else [])):
        yield f"  {'changes' if not number else '':<9} {change}"
    yield from _end(one)


def _end(one: Mapping[str, Any]) -> Iterator[str]:
    if one["size"] is not None:
        was = f", was {_megabytes(one['size_before'])}" if one["size_before"] is not None else ""
        yield f"  size      {_megabytes(one['size'])}{was}"
    # layers of steps and base come of a build, which --make does not begin: it makes packages
    built = [row["what"] for row in one.get("layers", ()) if row["what"].startswith("of the ") and not row["digest"]]
    make = f"a build makes what is missing {' and '.join(built)}" if built else "--make makes what is missing"
    waits = one["waits"] or f"not known yet: {make}"
    yield f"  digest    {one['digest'] or waits}"


def _short(text: str, most: int = 90) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 3]}..."


def _megabytes(count: int) -> str:
    from ..images.build.summary import megabytes

    return megabytes(count)
