"""What a Dockerfile's stages are called, and which variables they know."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .lint_forms import after_flags, set_names
from .lint_rules import Fault, closest, fault_if, warning, words_of
from .steps import Step

# short names of images that COPY --from is often given (Docker's official images)
IMAGES = words_of(
    "alpine busybox debian ubuntu nginx httpd golang node python rust php ruby perl openjdk redis postgres"
    " mysql mariadb mongo memcached haproxy traefik caddy registry docker composer maven gradle gcc bash"
    " amazonlinux fedora centos rockylinux almalinux buildpack-deps eclipse-temurin swift r-base julia elixir"
    " erlang haskell clojure groovy consul vault telegraf influxdb grafana kibana logstash elasticsearch"
    " rabbitmq nats kong tomcat jetty wordpress drupal hello-world scratch mono sapmachine ibmjava"
    " amazoncorretto photon alt archlinux cirros oraclelinux opensuse hylang pypy couchdb neo4j solr"
)


class Stages:
    """The stages so far."""

    def __init__(self) -> None:
        """Begin before the first FROM."""
        self._names: list[str] = []
        self._known: dict[str, set[str]] = {}
        self._here: set[str] = set()
        self._outer: set[str] = set()

    def faults(self, step: Step, steps: Sequence[Step]) -> Iterator[Fault]:
        """Judge what one instruction says of other stages and of variables."""
        text, _ = step.joined()
        flags, at = after_flags(step, text)
        if step.instruction == "FROM":
            self._begin(text[at:])
            return
        if not self._names and step.instruction != "ARG":
            yield Fault("stage-order", 0, f"{step.instruction} stands before the first FROM", "begin with FROM")
        for flag, value, place in flags:
            if flag == "from" and value and step.instruction == "COPY":
                yield from self._source(value.lower(), place, steps)
            elif flag == "mount" and (found := re.search(r"(?:^|,)from=([^,\s]+)", value or "")):
                yield from self._source(found[1].lower(), place, steps)
        yield from self._uses(step, text, at, steps)
        self._here |= set_names(step, text, at)

    def _begin(self, arguments: str) -> None:
        if not self._names:
            self._outer = set(self._here)
        words = arguments.lower().split()
        # Dockerfile reference, "ARG": a stage inherits what the stage below it has declared
        self._here = set(self._known.get(words[0], set())) if words else set()
        self._names.append(words[2] if len(words) > 2 and words[1] == "as" else str(len(self._names)))
        self._known[self._names[-1]] = self._here

    def _source(self, stage: str, place: int, steps: Sequence[Step]) -> Iterator[Fault]:
        if "$" in stage or stage in self._names[:-1] or any(sign in stage for sign in "/:.@"):
            return
        all_names = [
            words[2]
            for step in steps
            if step.instruction == "FROM" and len(words := step.arguments.lower().split()) > 2
        ]
        if stage.isdigit() and int(stage) < len(self._names) - 1:
            return
        guess = closest(stage, [name for name in self._names[:-1] if not name.isdigit()], 0.75)
        if stage in all_names or stage.isdigit():
            yield Fault("stage-order", place, f'no stage "{stage}" stands before this one', "name an earlier stage")
        elif guess and guess not in IMAGES and stage not in IMAGES:
            yield Fault("stage-unknown", place, f'there is no stage "{stage}"', f"did you mean {guess}?")
        elif stage not in IMAGES:
            why = f'there is no stage "{stage}"; an image of that name would be pulled'
            yield warning("stage-unknown", place, why, f"write {stage}:latest if it is an image")

    def _uses(self, step: Step, text: str, at: int, steps: Sequence[Step]) -> Iterator[Fault]:
        """An ARG that the same stage declares only later is empty here."""
        # a shell reads $ in these, and the variable may be its own
        if step.instruction in {"RUN", "ARG", "CMD", "ENTRYPOINT", "HEALTHCHECK", "ONBUILD"} or step.heredoc:
            return
        later = _declared_later(step, steps)
        for found in re.finditer(r"(?<!\\)\$\{?([A-Za-z_]\w*)\}?", text[at:]):
            if found[1] in later - self._here - self._outer:
                why = f"ARG {found[1]} stands in line {later_line(found[1], step, steps)} only"
                # an empty WORKDIR is refused, an empty value elsewhere is not
                refused = step.instruction == "WORKDIR" and text[at:].strip() == found[0]
                yield fault_if(refused, "arg-before-use", at + found.start(), why, "move it up")


def _declared_later(step: Step, steps: Sequence[Step]) -> set[str]:
    names: set[str] = set()
    for other in steps[step.number :]:
        if other.instruction == "FROM":
            break
        if other.instruction == "ARG":
            names |= set_names(other, other.joined()[0], len("ARG"))
    return names


def later_line(name: str, step: Step, steps: Sequence[Step]) -> int:
    """Return the line of the ARG that declares a name after a step."""
    return next(
        other.line
        for other in steps[step.number :]
        if other.instruction == "ARG" and name in set_names(other, other.joined()[0], len("ARG"))
    )
