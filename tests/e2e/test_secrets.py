"""What ``pulumi config set --secret`` encrypts is in no state, history, cache and message, with the real CLI."""

from __future__ import annotations

import json

import pytest

from tests.e2e.kept_state import is_secret
from tests.e2e.program import Program, needs_the_cli

pytestmark = [pytest.mark.e2e, needs_the_cli]
MARK = "open-sesame-4711"
PROGRAM = """
config = aciml.read_config(
    {"registry": aciml.RegistryArgs, "environment": aciml.EnvironmentImageArgs, "service": aciml.ScoringServiceArgs},
    wired={"environment": {"login_server", "base_image"}, "service": {"login_server", "environment_image"}},
)
aciml.Registry("reg", aciml.RegistryArgs(**config.registry))
environment = aciml.EnvironmentImage(
    "env", aciml.EnvironmentImageArgs(login_server=REGISTRY, base_image=BASE, **config.environment)
)
if config.service:
    service = aciml.ScoringService(
        "svc",
        aciml.ScoringServiceArgs(login_server=REGISTRY, environment_image=environment.image, **config.service),
    )
    pulumi.export("uri", service.scoring_uri)
"""
MANY_LINES = f"first line\nsecond {MARK}\nthird"
SERVICE = "scoring:service"
ENCRYPTED = {
    f"{SERVICE}.environment_variables.TOKEN": MARK,
    f"{SERVICE}.environment_variables.LINES": MANY_LINES,
    f"{SERVICE}.secure_environment_variables.ALSO": MARK,
    f"{SERVICE}.smoke_test.body": json.dumps({"data": MARK}),
    f"{SERVICE}.cpu_cores": "0.4711",
    f"{SERVICE}.auth_enabled": "true",
    f"{SERVICE}.azure.container.command[0]": "/bin/sh",
    f"{SERVICE}.azure.container.command[1]": f"--token={MARK}",
    f"{SERVICE}.azure.init_containers[0].environment_variables.TOKEN": MARK,
    f"{SERVICE}.azure.volumes[0].git_repo.repository": f"https://{MARK}@host.example/x.git",
    f"{SERVICE}.azure.liveness_probe.http_get.http_headers.Authorization": f"Bearer {MARK}",
    f"{SERVICE}.azure.log_analytics.metadata.note": MARK,
}


@pytest.fixture
def encrypted(program: Program) -> Program:
    """A stack in whose config values of all kinds are encrypted, each by the CLI, beside others in clear."""
    program.write(PROGRAM)
    program.config |= {
        "scoring:registry": {"name": "reg"},
        "scoring:environment": {"glibc": "2.31", "packages": {"server_requirements": False}},
        SERVICE: {
            "source_directory": "src",
            "environment_variables": {"PLAIN": "in-clear-0815"},
            "smoke_test": {"path": "/"},
            "azure": {
                "container": {"command": ["x", "y", "plain"]},
                "init_containers": [{"name": "first", "image": "busybox", "environment_variables": {"B": "1"}}],
                "volumes": [{"name": "source", "git_repo": {"repository": "x"}}],
                "liveness_probe": {"http_get": {"port": 80, "path": "/"}},
                "log_analytics": {"workspace_id": "w", "workspace_key": "a2V5"},
            },
        },
    }
    program.save()
    encrypt(program, ENCRYPTED)
    return program


def encrypt(program: Program, values: dict[str, str]) -> None:
    """Encrypt values by path, as ``pulumi config set --secret --path`` does one by one."""
    words = [word for path, value in values.items() for word in ("--secret", f"{path}={value}")]
    program.pulumi("config", "set-all", "--path", *words, keep_config=True).check_ok()


def on_disk(program: Program) -> str:
    """Return all that is kept anywhere: state with its history and copies, cache, and what is made in memory."""
    files = [path for name in ("state", "cache") for path in (program.folder / name).rglob("*") if path.is_file()]
    return "\n".join(path.read_bytes().decode("latin-1") for path in files)


def test_what_the_stack_config_encrypts_is_nowhere_in_clear(encrypted: Program) -> None:
    said = encrypted.pulumi("up", "--yes", "--diff", "--debug", keep_config=True).check_ok().text
    inputs, kept = encrypted.inputs()["svc-group"], encrypted.resources()["svc-group"]
    shown, variables = json.dumps(kept), kept["inputs"]["environmentVariables"]

    assert is_secret(variables["TOKEN"])
    assert is_secret(variables["LINES"])
    assert is_secret(kept["inputs"]["cpuCores"])
    assert is_secret(kept["inputs"]["authEnabled"])
    assert (inputs["environmentVariables"]["TOKEN"], inputs["environmentVariables"]["LINES"]) == (MARK, MANY_LINES)
    assert (inputs["cpuCores"], inputs["authEnabled"]) == (0.4711, True)
    assert inputs["command"][2] == "plain"
    assert variables["PLAIN"] == "in-clear-0815"  # what is no secret can be read
    assert "0.4711" not in shown
    for text in (said, on_disk(encrypted)):
        assert MARK not in text
        assert "second open" not in text
    assert "in-clear-0815" in said
    assert "in-clear-0815" in json.dumps(encrypted.resources()["svc-group"]["outputs"])

    # what becomes a secret leaves the state, and what is another one shows by its name
    changed = {"PLAIN": "in-clear-0815", "TOKEN": f"{MARK}-too"}
    encrypt(encrypted, {f"{SERVICE}.environment_variables.{name}": value for name, value in changed.items()})
    told = encrypted.pulumi("up", "--yes", "--skip-preview", "--diff", keep_config=True).check_ok().text
    assert "TOKEN" in told
    assert "PLAIN" in told
    assert MARK not in told
    assert "in-clear-0815" not in json.dumps(encrypted.resources())


def test_a_section_and_a_map_may_be_one_secret(program: Program) -> None:
    program.write(PROGRAM)
    program.config |= {"scoring:environment": {"glibc": "2.31", "packages": {"server_requirements": False}}}
    program.save()
    service = {
        "source_directory": "src",
        "smoke_test": {"path": "/", "body": MARK},
        "environment_variables": {"A": MARK},
    }
    program.pulumi("config", "set", "--secret", SERVICE, "--", json.dumps(service), keep_config=True).check_ok()
    program.pulumi("up", "--yes", "--skip-preview", keep_config=True).check_ok()
    assert MARK not in on_disk(program)

    program.config[SERVICE] = {"source_directory": "src"}
    program.save()
    encrypt(program, {f"{SERVICE}.environment_variables": json.dumps({"A": MARK})})
    program.pulumi("up", "--yes", "--skip-preview", keep_config=True).check_ok()
    assert MARK not in on_disk(program)
    assert is_secret(program.resources()["svc-group"]["inputs"]["environmentVariables"])
    assert program.inputs()["svc-group"]["environmentVariables"] == {"A": MARK}


def test_what_others_would_read_is_refused_all_at_once(program: Program) -> None:
    program.write(PROGRAM)
    program.config |= {
        "scoring:environment": {"glibc": "2.31", "packages": {"server_requirements": False}},
        SERVICE: {"source_directory": "src", "models": {"m": "x"}, "tags": {"a": "b"}, "azure": {"network": {}}},
    }
    del program.config[SERVICE]["azure"]
    program.save()
    paths = {
        "scoring:environment.steps.lines[0]": f"ENV A={MARK}",
        f"{SERVICE}.models.m": f"{MARK}.bin",
        f"{SERVICE}.tags.a": MARK,
        f"{SERVICE}.entry_script": f"{MARK}.py",
    }
    encrypt(program, paths)

    said = program.pulumi("preview", keep_config=True)

    assert said.code != 0
    for place in ("environment.steps.lines[0]", "service.models", "service.tags", "service.entry_script"):
        assert place in said.text
    assert MARK not in said.text


def test_without_the_stacks_file_all_of_a_section_with_a_secret_is_one(encrypted: Program) -> None:
    text = encrypted._config_file.read_text()
    other = encrypted.folder / "other.yaml"
    other.write_text(text)
    encrypted._config_file.write_text(text.replace("in-clear-0815", "not-what-runs"))

    encrypted.pulumi("up", "--yes", "--skip-preview", "--config-file", str(other), keep_config=True).check_ok()

    assert MARK not in on_disk(encrypted)
    shown = encrypted.resources()["svc-group"]["inputs"]
    assert shown["environmentVariables"]["PLAIN"] != "in-clear-0815"
    assert shown["command"][2] == "plain"  # this the other file says in clear, too


def test_the_providers_config_is_as_secret(program: Program) -> None:
    program.write("aciml.Registry('reg')")
    program.save()
    program.pulumi("config", "set", "--secret", "aciml:oidcTokenFilePath", f"/tmp/{MARK}", keep_config=True).check_ok()
    program.pulumi("up", "--yes", "--skip-preview", keep_config=True).check_ok()
    assert MARK not in on_disk(program)

    wrong = ("aciml:target=azure", "--secret", f"aciml:location={MARK}!", "--secret", f"aciml:tenantId={MARK} ")
    program.pulumi("config", "set-all", "--plaintext", *wrong, keep_config=True).check_ok()
    said = program.pulumi("preview", keep_config=True)
    assert said.code != 0
    assert MARK not in said.text
    assert 'aciml:oidcTokenFilePath is "[secret]"' in said.text

    fixed = ("aciml:target=memory", "--plaintext", "aciml:location=here", "--secret", f"aciml:subscriptionId={MARK}")
    program.pulumi("config", "set-all", "--plaintext", *fixed, keep_config=True).check_ok()
    said = program.pulumi("preview", keep_config=True)
    assert said.code != 0
    assert "subscriptionId is a secret and would stand in" in said.text
    assert MARK not in said.text
