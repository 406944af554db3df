"""Resource options on components and on their children, by the real engine; what is made lives in memory.

One stack has them all, each on components of its own, and is brought up, changed and destroyed once. The tests look at
what each of these did, and say whose option it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.e2e.program import Program, needs_the_cli

pytestmark = [pytest.mark.e2e, needs_the_cli]

ENVIRONMENT = """
environment = aciml.EnvironmentImage(
    "env",
    aciml.EnvironmentImageArgs(
        login_server=REGISTRY, base_image=BASE, glibc="2.31", packages=aciml.PackagesArgs(server_requirements=False)
    ),
    pulumi.ResourceOptions({options}),
)
"""
WAYS = {
    "transforms": ("pulumi.ResourceTransform", "register_resource_transform"),
    "transformations": ("pulumi.ResourceTransformation", "register_stack_transformation"),
}
TAGGED = """
def tagged_{way}(args):
    if args.type_ == "aciml:compute:ContainerGroup":
        return {kind}Result(props={{**args.props, "tags": {{"team": "red"}}}}, opts=args.opts)

"""
STACK_WIDE = """
def blue_{way}(args):
    if args.name == "{way}-group":
        return {kind}Result(props={{**args.props, "tags": {{"team": "blue"}}}}, opts=args.opts)

pulumi.runtime.{register}(blue_{way})
"""
KEPT = """
def kept(args):
    if args.name == "child-group":
        more = pulumi.ResourceOptions(protect=True, ignore_changes=["cpuCores"])
        return pulumi.ResourceTransformResult(props=args.props, opts=pulumi.ResourceOptions.merge(args.opts, more))

"""
EXPORTS = """
pulumi.export("uri", hidden.scoring_uri)
pulumi.export("open", hidden.swagger_uri)
"""
IGNORED = 'ignore_changes=["cpu_cores", "server.limits.scoring_timeout_ms", "environment_variables[\\"B\\"]", "tags"]'
OLD = """cpu_cores=1, environment_variables={"A": "1", "B": "1"}, tags={"t": "1"},
        server=aciml.ServerArgs(limits=aciml.LimitsArgs(scoring_timeout_ms=1000)),"""
NEW = """cpu_cores=2, environment_variables={"A": "1", "B": "2"}, tags={"t": "2"},
        server=aciml.ServerArgs(limits=aciml.LimitsArgs(scoring_timeout_ms=2000)),"""
BELOW = """
mine = pulumi.ComponentResource("team:index:Product", "mine")
"""
PARENT = "parent=mine, aliases=[pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)]"
OWN_REPOSITORY = 'repository="team/renamed"'


def service(name: str, options: str = "", arguments: str = "", *, named: str = "") -> str:
    """Write a service; options and arguments are words such as ``protect=True``."""
    return f"""
{name} = aciml.ScoringService(
    "{named or name}",
    aciml.ScoringServiceArgs(
        login_server=REGISTRY, environment_image=environment.image, source_directory="src", name="{name}", {arguments}
    ),
    pulumi.ResourceOptions({options}),
)
"""


def registry(name: str, options: str = "") -> str:
    return f"""
{name} = aciml.Registry("{name}", aciml.RegistryArgs(name="{name}"), pulumi.ResourceOptions({options}))
"""


def transformed(way: str) -> str:
    """Write a service with a transform (or a transformation) of its own."""
    return TAGGED.format(way=way, kind=WAYS[way][0]) + service(way, f"{way}=[tagged_{way}]")


def stack_wide(way: str) -> str:
    """Write a transform of all that the stack has, which looks for one group, and the service of that group."""
    kind, register = WAYS[way]
    return STACK_WIDE.format(way=way, kind=kind, register=register) + service(way)


def workers(count: int) -> str:
    return service("anew", 'replace_on_changes=["server.workers"]', f"server=aciml.ServerArgs(workers={count})")


def alias(name: str) -> str:
    return f'aliases=[pulumi.Alias(name="{name}")]'


FIRST = [
    ENVIRONMENT.format(options=""),
    registry("before"),
    registry("waits", "depends_on=[before]"),
    service("guarded", "protect=True, depends_on=[waits]"),
    registry("after", "depends_on=[guarded]"),
    registry("stays", "retain_on_delete=True"),
    service("remains", "retain_on_delete=True"),
    registry("host"),
    registry("guest", "deleted_with=host"),
    service("hidden", 'additional_secret_outputs=["scoring_uri"]'),
    EXPORTS,
]
"""What stays as it is."""
CHANGES = [
    (service("deaf", IGNORED, OLD), service("deaf", IGNORED, NEW)),
    (service("hears", IGNORED, OLD), service("hears", IGNORED, NEW.replace('"A": "1"', '"A": "2"'))),
    (service("listens", IGNORED, OLD), service("listens", "", NEW)),
    (
        service("renamed", "", OWN_REPOSITORY),
        service("renamed", alias("renamed"), OWN_REPOSITORY, named="new-name"),
    ),
    # without a repository of its own it has one that is named after the component
    (service("other"), service("other", alias("other"), named="another")),
    (service("moved"), BELOW + service("moved", PARENT)),
    *((transformed(way), stack_wide(way)) for way in WAYS),
    (
        KEPT + service("child", "transforms=[kept]", "cpu_cores=1"),
        KEPT + service("child", "transforms=[kept]", "cpu_cores=2"),
    ),
    (workers(1), workers(2)),
]
"""What is there at first, and later."""


@dataclass
class Life:
    """What the one stack went through."""

    program: Program
    said: str = ""
    first: dict[str, dict[str, Any]] = field(default_factory=dict)
    state: str = ""
    outputs: dict[str, Any] = field(default_factory=dict)
    plan: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What a preview of the changes does to each resource; what stays as it is has no row."""
    later: dict[str, dict[str, Any]] = field(default_factory=dict)

    def is_left(self, *names: str) -> bool:
        """Tell whether the changes leave all of these resources as they are."""
        return not self.plan.keys() & set(names)


@pytest.fixture(scope="module")
def life(lasting: Program) -> Iterator[Life]:
    """Bring the stack up, and change it."""
    life = Life(lasting)
    lasting.write("".join([*FIRST, *(before for before, _ in CHANGES)]))
    life.said = lasting.up().check_ok().text
    life.first, life.state, life.outputs = lasting.resources(), lasting.state(), lasting.outputs()
    lasting.write("".join([*FIRST, *(after for _, after in CHANGES)]))
    life.plan = {name: step for name, step in lasting.steps().items() if step["op"] != "same"}
    lasting.up().check_ok()
    life.later = lasting.resources()
    yield life
    lasting.forget()


def test_ignored_changes_of_a_component_are_no_step_of_its_children(life: Life) -> None:
    assert life.is_left("deaf-image", "deaf-group")
    step = life.plan["hears-group"]
    assert (step["op"], set(step["detailedDiff"])) == ("update", {'environmentVariables["A"]'})
    # without the option
    assert set(life.plan["listens-group"]["detailedDiff"]) >= {"cpuCores", "scoringTimeoutMs"}


def test_a_component_with_another_name_and_an_alias_replaces_nothing(life: Life) -> None:
    assert life.is_left("new-name-image", "new-name-group", "renamed-image", "renamed-group")
    assert life.plan["another-image"]["op"] == life.plan["another-group"]["op"] == "update"
    assert life.is_left("other-image", "other-group")
    assert {"new-name-image", "new-name-group", "another-image", "another-group"} < life.later.keys()
    assert {"aciml-renamed", "aciml-other"} < set(life.program.world()["groups"])


def test_a_component_below_another_parent_with_an_alias_replaces_nothing(life: Life) -> None:
    assert life.is_left("moved-image", "moved-group")
    assert "team:index:Product$" in life.later["moved-group"]["urn"]


@pytest.mark.parametrize("way", WAYS)
def test_a_transform_reaches_the_children_of_every_component(life: Life, way: str) -> None:
    assert life.first[f"{way}-group"]["inputs"]["tags"] == {"team": "red"}
    # one of the whole stack
    assert life.later[f"{way}-group"]["inputs"]["tags"] == {"team": "blue"}


def test_a_transform_gives_a_child_options_of_its_own(life: Life) -> None:
    assert life.is_left("child-image", "child-group")
    assert life.first["child-group"]["protect"] is True
    assert not life.first["child-image"].get("protect")


def test_a_component_waits_for_what_it_depends_on_and_so_do_its_children(life: Life) -> None:
    assert life.said.index("before-registry created") < life.said.index("waits-registry creating")
    assert life.said.index("guarded-group created") < life.said.index("after-registry creating")


def test_replace_on_changes_replaces_the_child_that_has_the_property(life: Life) -> None:
    assert life.is_left("anew-image")
    assert life.plan["anew-group"]["op"] in {"replace", "create-replacement", "delete-replaced"}


def test_more_outputs_can_be_secret(life: Life) -> None:
    assert life.outputs["uri"].endswith("/score")
    assert life.outputs["uri"] + '"' not in life.state
    assert life.outputs["open"] in life.state


def test_protect_on_a_component_refuses_to_destroy_its_children_and_names_them(life: Life) -> None:
    life.program.destroy().check_failed("guarded-group", "protect")

    assert {"aciml-guarded", "aciml-child"} < set(life.program.world()["groups"])


def test_all_goes_backwards_but_for_what_is_retained_or_goes_with_another(life: Life) -> None:
    program = life.program
    program.pulumi("state", "unprotect", "--all", "--yes").check_ok()

    said = program.destroy().check_ok().text

    # what depends on another goes first
    assert said.index("waits-registry deleted") < said.index("before-registry deleting")
    assert set(program.world()["groups"]) == {"aciml-remains"}
    # memory does not know that the guest went with its host
    assert set(program.world()["registries"]) == {"aciml-registry-stays", "aciml-registry-guest"}
    assert program.registry.repository("azureml/remains").manifests
    assert program.resources() == {}


def test_custom_timeouts_end_a_build_with_one_message(program: Program) -> None:
    program.write(ENVIRONMENT.format(options='custom_timeouts=pulumi.CustomTimeouts(create="1ms")'))

    said = program.up()

    said.check_failed("not done within the 0.001 seconds that custom timeouts allow", "run the same command to go on")
    assert said.text.partition("Diagnostics:")[2].count("custom timeouts allow") == 1
    program.write(ENVIRONMENT.format(options=""))
    program.up().check_ok()


def test_custom_timeouts_bound_the_wait_for_a_service(program: Program) -> None:
    """Without them it is ``startup_timeout``: ``tests/resources``."""
    short = 'custom_timeouts=pulumi.CustomTimeouts(create="7s", update="8s")'
    program.write(ENVIRONMENT.format(options="") + service("svc", short, 'repository="team/hangs", startup_timeout=99'))

    program.up().check_failed("did not answer 200 on", "within 7 seconds")
