"""One program that speaks to two targets, with the real CLI: one in memory, and the emulated cloud."""

from __future__ import annotations

import json

import pytest

from tests.e2e.program import Program, needs_the_cli
from tests.simulators.azure.emulator import Emulator

pytestmark = [pytest.mark.e2e, needs_the_cli]
REGISTRIES = "/providers/microsoft.containerregistry/registries/"


def cloud_args(emulator: Emulator, **changes: str) -> str:
    """Write the arguments of a provider of the emulated cloud, in the words of a program."""
    words = {"client_secret": f"pulumi.Output.from_input({emulator.client_secret!r})", **changes}
    config = emulator.config()
    names = {
        "subscription_id": "subscriptionId", "tenant_id": "tenantId", "resource_group": "resourceGroup",
        "location": "location", "cloud": "cloud", "resource_manager_endpoint": "resourceManagerEndpoint",
        "authority_host": "authorityHost", "client_id": "clientId", "ca_bundle": "caBundle",
    }  # fmt: skip
    said = {name: repr(config[key]) for name, key in names.items()} | words
    fixed = {"target": "aciml.Target.AZURE", "auth": "aciml.Auth.SERVICE_PRINCIPAL"}
    return ", ".join(f"{name}={value}" for name, value in {**fixed, **said}.items() if value)


def made_in_the_cloud(emulator: Emulator) -> set[str]:
    with emulator.world.lock:
        return {id_.rpartition("/")[2] for id_ in emulator.world.resources if REGISTRIES in id_.lower()}


def test_one_program_speaks_to_two_targets(program: Program, emulator: Emulator) -> None:
    ways = ("provider=cloud", "providers=[cloud]", 'providers={"aciml": cloud}', "parent=product")
    far = "".join(
        f'aciml.Registry("far{n}", aciml.RegistryArgs(name="farregistry{n}"), pulumi.ResourceOptions({way}))\n'
        for n, way in enumerate(ways)
    )
    program.write(f"""
here = aciml.Provider("here", aciml.ProviderArgs(target="memory"))
cloud = aciml.Provider("cloud", aciml.ProviderArgs({cloud_args(emulator)}))
product = pulumi.ComponentResource("team:index:Product", "product", None, pulumi.ResourceOptions(providers=[cloud]))
near = aciml.Registry("near", aciml.RegistryArgs(name="near"), pulumi.ResourceOptions(provider=here))
pulumi.export("near", near.login_server)
{far}""")
    program.config = {"aciml:target": "azure"}  # and nothing else: the engine's own provider could make nothing
    components = ("near", *(f"far{n}" for n in range(len(ways))))

    planned = dict.fromkeys((*components, *(f"{name}-registry" for name in components)), "create")
    steps = {step["urn"].rpartition("::")[2]: step["op"] for step in program.up().check_ok().steps()}
    assert steps.items() >= planned.items()

    assert set(program.world()["registries"]) == {"aciml-registry-near"}
    assert made_in_the_cloud(emulator) == {f"farregistry{n}" for n in range(len(ways))}
    assert program.outputs()["near"].startswith("127.0.0.1:")
    program.up("--refresh", "--expect-no-changes").check_ok()
    assert emulator.client_secret not in program.state()
    assert program.providers().keys() == {"here", "cloud"}
    program.destroy().check_ok()
    assert program.world()["registries"] == {}
    assert made_in_the_cloud(emulator) == set()


def test_a_provider_takes_nothing_from_the_stack_config(program: Program, emulator: Emulator) -> None:
    program.config = {f"aciml:{key}": value for key, value in emulator.config().items()}
    program.write("""
mine = aciml.Provider("mine", aciml.ProviderArgs(target=aciml.Target.AZURE))
aciml.Registry("far", aciml.RegistryArgs(name="farregistry"), pulumi.ResourceOptions(provider=mine))
""")

    program.pulumi("preview").check_failed("subscription_id is not set", "resource_group is not set")


def test_what_is_wrong_in_a_provider_is_said_in_the_programs_words(program: Program, emulator: Emulator) -> None:
    wrong = cloud_args(emulator, client_secret="", subscription_id='"mine"', location="'west europe!'")
    program.write(f'aciml.Provider("cloud", aciml.ProviderArgs({wrong}))')

    said = program.pulumi("preview").check_failed(
        "client_secret is not set", 'subscription_id is "mine"', 'location is "west europe!"'
    )

    assert "aciml:clientSecret" not in said.text
    program.write('aciml.Provider("cloud", aciml.ProviderArgs(target="azur", client_secrt="x"))')
    program.pulumi("preview").check_failed('Provider "cloud": client_secrt: is no argument', "mean client_secret?")
    program.write('aciml.Provider("cloud", aciml.ProviderArgs(target="azur"))')
    program.pulumi("preview").check_failed('target is "azur"; write local or azure')


def test_the_stack_config_is_spoken_of_in_its_own_words(program: Program, emulator: Emulator) -> None:
    program.config = {f"aciml:{key}": value for key, value in emulator.config(clientSecret="").items()}
    program.write('aciml.Registry("far", aciml.RegistryArgs(name="farregistry"))')

    program.pulumi("preview").check_failed("aciml:clientSecret is not set")


def test_configuration_that_is_known_later_does_not_fail_a_preview(program: Program, emulator: Emulator) -> None:
    later = "near.login_server.apply(lambda _: {value!r})"
    secret = later.format(value=emulator.client_secret)
    group = later.format(value=emulator.resource_group)
    args = cloud_args(emulator, client_secret=f"pulumi.Output.secret({secret})", resource_group=group)
    program.write(f"""
near = aciml.Registry("near", aciml.RegistryArgs(name="near"))
cloud = aciml.Provider("cloud", aciml.ProviderArgs({args}))
aciml.Registry("far", aciml.RegistryArgs(name="farregistry"), pulumi.ResourceOptions(provider=cloud))
""")

    assert program.preview()["far-registry"] == "create"
    program.up().check_ok()
    assert made_in_the_cloud(emulator) == {"farregistry"}
    kept = json.dumps(program.providers()["cloud"])
    assert emulator.client_secret not in kept + program.state()
    assert program.preview() == {}
