"""Resource options on components and on their children, by the real engine; what is made lives in memory."""

from __future__ import annotations

import pytest

from tests.e2e.program import Program, needs_the_cli

pytestmark = [pytest.mark.e2e, needs_the_cli]

CHILDREN = ("reg-registry", "env-image", "svc-image", "svc-group")


def three(
    *, reg: str = "", env: str = "", svc: str = "", svc_args: str = "", name: str = "svc", before: str = ""
) -> str:
    """Write a program of three components; words are options (``protect=True``) or arguments of the service."""
    return f"""
{before}
registry = aciml.Registry("reg", aciml.RegistryArgs(name="reg"), pulumi.ResourceOptions({reg}))
environment = aciml.EnvironmentImage(
    "env",
    aciml.EnvironmentImageArgs(
        login_server=REGISTRY, base_image=BASE, glibc="2.31", packages=aciml.PackagesArgs(server_requirements=False)
    ),
    pulumi.ResourceOptions({env}),
)
service = aciml.ScoringService(
    "{name}",
    aciml.ScoringServiceArgs(
        login_server=REGISTRY, environment_image=environment.image, source_directory="src", name="svc", {svc_args}
    ),
    pulumi.ResourceOptions({svc}),
)
"""


def test_protect_on_a_component_refuses_to_destroy_its_children_and_names_them(program: Program) -> None:
    program.write(three(svc="protect=True"))
    program.up().check_ok()

    said = program.destroy()

    said.check_failed("svc-group", "protect")
    assert set(program.world()["groups"]) == {"aciml-svc"}
    program.write(three())
    program.up().check_ok()
    program.destroy().check_ok()
    assert program.world()["groups"] == {}


def test_ignored_changes_of_a_component_are_no_step_of_its_children(program: Program) -> None:
    paths = 'ignore_changes=["cpu_cores", "server.limits.scoring_timeout_ms", "environment_variables[\\"B\\"]", "tags"]'
    before = """cpu_cores=1, environment_variables={"A": "1", "B": "1"}, tags={"t": "1"},
        server=aciml.ServerArgs(limits=aciml.LimitsArgs(scoring_timeout_ms=1000)),"""
    after = before.replace("1000", "2000").replace("cpu_cores=1", "cpu_cores=2")
    after = after.replace('"B": "1"', '"B": "2"').replace('"t": "1"', '"t": "2"')
    program.write(three(svc=paths, svc_args=before))
    program.up().check_ok()
    program.write(three(svc=paths, svc_args=after))

    assert program.preview() == {}

    program.write(three(svc=paths, svc_args=after.replace('"A": "1"', '"A": "2"')))
    step = program.steps()["svc-group"]
    assert (step["op"], set(step["detailedDiff"])) == ("update", {'environmentVariables["A"]'})
    program.write(three(svc_args=after))
    assert set(program.steps()["svc-group"]["detailedDiff"]) >= {"cpuCores", "scoringTimeoutMs"}


def test_a_component_with_another_name_and_an_alias_replaces_nothing(program: Program) -> None:
    program.write(three(svc_args='repository="team/svc"'))
    program.up().check_ok()
    alias = 'aliases=[pulumi.Alias(name="svc")]'

    program.write(three(name="renamed", svc=alias, svc_args='repository="team/svc"'))
    assert program.preview() == {}
    program.write(three(name="renamed", svc=alias))  # the repository is named after the component
    assert program.preview() == {"renamed-image": "update", "renamed-group": "update"}
    program.up().check_ok()
    assert {"renamed-image", "renamed-group"} < set(program.resources())
    assert set(program.world()["groups"]) == {"aciml-svc"}


def test_a_component_below_another_parent_with_an_alias_replaces_nothing(program: Program) -> None:
    program.write(three())
    program.up().check_ok()
    mine = 'mine = pulumi.ComponentResource("team:index:Product", "mine")'

    program.write(three(before=mine, svc="parent=mine, aliases=[pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)]"))

    assert program.preview() == {}


@pytest.mark.parametrize("kind", ["transforms", "transformations"])
def test_a_transform_reaches_the_children_of_every_component(program: Program, kind: str) -> None:
    bag = {"transforms": "ResourceTransform", "transformations": "ResourceTransformation"}[kind]
    props = f"pulumi.{bag}Result(props={{**args.props, 'tags': {{'team': 'red'}}}}, opts=args.opts)"
    change = f"""
def tagged(args):
    if args.type_ == "aciml:compute:ContainerGroup":
        return {props}
"""
    program.write(three(before=change, svc=f"{kind}=[tagged]"))
    program.up().check_ok()
    assert program.resources()["svc-group"]["inputs"]["tags"] == {"team": "red"}

    register = {"transforms": "register_resource_transform", "transformations": "register_stack_transformation"}[kind]
    program.write(three(before=f"{change.replace('red', 'blue')}\npulumi.runtime.{register}(tagged)"))
    program.up().check_ok()
    assert program.resources()["svc-group"]["inputs"]["tags"] == {"team": "blue"}


def test_a_transform_gives_a_child_options_of_its_own(program: Program) -> None:
    change = """
def kept(args):
    if args.name == "svc-group":
        more = pulumi.ResourceOptions(protect=True, ignore_changes=["cpuCores"])
        return pulumi.ResourceTransformResult(props=args.props, opts=pulumi.ResourceOptions.merge(args.opts, more))
"""
    program.write(three(before=change, svc="transforms=[kept]", svc_args="cpu_cores=1"))
    program.up().check_ok()
    program.write(three(before=change, svc="transforms=[kept]", svc_args="cpu_cores=2"))

    assert program.preview() == {}
    assert program.resources()["svc-group"]["protect"] is True
    assert not program.resources()["svc-image"].get("protect")
    program.pulumi("state", "unprotect", "--all", "--yes").check_ok()


def test_a_component_waits_for_what_it_depends_on_and_so_do_its_children_and_all_backwards(program: Program) -> None:
    other = 'other = aciml.Registry("other", aciml.RegistryArgs(name="other"))'
    last = 'aciml.Registry("last", aciml.RegistryArgs(name="last"), pulumi.ResourceOptions(depends_on=[service]))'
    program.write(three(before=other, reg="depends_on=[other]") + last)

    made = program.up().check_ok().text
    gone = program.destroy().check_ok().text

    assert made.index("other-registry created") < made.index("reg-registry creating")
    assert made.index("svc-group created") < made.index("last-registry creating")
    assert gone.index("last-registry deleted") < gone.index("svc-group deleting")
    assert gone.index("reg-registry deleted") < gone.index("other-registry deleting")


def test_retain_on_delete_leaves_what_was_made(program: Program) -> None:
    program.write(three(reg="retain_on_delete=True", svc="retain_on_delete=True"))
    program.up().check_ok()

    program.destroy().check_ok()

    assert set(program.world()["groups"]) == {"aciml-svc"}
    assert set(program.world()["registries"]) == {"aciml-registry-reg"}
    assert program.registry.repository("azureml/svc").manifests
    assert program.resources() == {}


def test_deleted_with_leaves_the_deletion_to_what_is_deleted(program: Program) -> None:
    host = 'host = aciml.Registry("host", aciml.RegistryArgs(name="host"))'
    program.write(three(before=host, reg="deleted_with=host"))
    program.up().check_ok()

    program.destroy().check_ok()

    assert set(program.world()["registries"]) == {"aciml-registry-reg"}  # memory does not know that it went with it


def test_replace_on_changes_replaces_the_child_that_has_the_property(program: Program) -> None:
    program.write(three(svc='replace_on_changes=["server.workers"]', svc_args="server=aciml.ServerArgs(workers=1)"))
    program.up().check_ok()
    program.write(three(svc='replace_on_changes=["server.workers"]', svc_args="server=aciml.ServerArgs(workers=2)"))

    steps = program.preview()

    assert steps.keys() == {"svc-group"}
    assert steps["svc-group"] in {"replace", "create-replacement", "delete-replaced"}


def test_more_outputs_can_be_secret(program: Program) -> None:
    program.write(
        three(svc='additional_secret_outputs=["scoring_uri"]')
        + 'pulumi.export("uri", service.scoring_uri)\npulumi.export("open", service.swagger_uri)'
    )
    program.up().check_ok()
    outputs = program.outputs()

    assert outputs["uri"].endswith("/score")
    assert outputs["uri"] + '"' not in program.state()
    assert outputs["open"] in program.state()


def test_custom_timeouts_end_a_build_with_one_message(program: Program) -> None:
    program.write(three(env='custom_timeouts=pulumi.CustomTimeouts(create="1ms")'))

    said = program.up()

    said.check_failed("not done within the 0.001 seconds that custom timeouts allow", "run the same command to go on")
    assert said.text.partition("Diagnostics:")[2].count("custom timeouts allow") == 1
    program.write(three())
    program.up().check_ok()


def test_custom_timeouts_bound_the_wait_for_a_service(program: Program) -> None:
    short = 'custom_timeouts=pulumi.CustomTimeouts(create="7s", update="8s")'
    program.write(three(svc=short, svc_args='repository="team/hangs", startup_timeout=99'))

    program.up().check_failed("did not answer 200 on", "within 7 seconds")

    program.write(three(svc_args='repository="team/hangs", startup_timeout=99'))
    program.up().check_failed("did not answer 200 on", "within 99 seconds")
