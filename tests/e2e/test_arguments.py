"""Arguments as programs and the CLI give them, to the real engine; what is made lives in memory."""

from __future__ import annotations

import pytest

from tests.e2e.program import Program, needs_the_cli

pytestmark = [pytest.mark.e2e, needs_the_cli]

SECRETS = ("hush-variable", "hush-header", "hush-key", "hush-insights", "hush-otlp", "hush-share")
ENVIRONMENT = """
environment = aciml.EnvironmentImage(
    "env",
    aciml.EnvironmentImageArgs(
        login_server=REGISTRY, base_image=BASE, glibc="2.31", packages=aciml.PackagesArgs(server_requirements=False)
    ),
)
"""


def test_outputs_may_stand_anywhere_and_secret_ones_leave_no_trace(program: Program) -> None:
    program.write(f"""
{ENVIRONMENT}
later, hidden = pulumi.Output.from_input, pulumi.Output.secret
registry = aciml.Registry("first", aciml.RegistryArgs(name="first"))
service = aciml.ScoringService(
    "svc",
    aciml.ScoringServiceArgs(
        login_server=REGISTRY,
        environment_image=environment.image,
        source_directory=later("src"),
        name="svc",
        cpu_cores=registry.login_server.apply(lambda _: 1.5),
        environment_variables={{"OPEN": registry.login_server, "HIDDEN": hidden("hush-variable")}},
        tags=later({{"where": registry.login_server}}),
        auth_enabled=True,
        primary_key="hush-key",
        enable_app_insights=True,
        server=registry.login_server.apply(
            lambda _: aciml.ServerArgs(
                workers=2,
                logs=aciml.LogArgs(log_format=later(aciml.LogFormat.JSON)),
                telemetry=aciml.TelemetryArgs(
                    app_insights_connection_string="InstrumentationKey=hush-insights", otlp_headers="k=hush-otlp",
                    otlp_endpoint="https://collector.example",
                ),
            )
        ),
        azure=aciml.AzureArgs(
            liveness_probe=aciml.ProbeArgs(
                http_get=later(aciml.HttpGetArgs(port=5000, http_headers={{"X-Key": hidden("hush-header")}}))
            ),
            volumes=[
                later(aciml.VolumeArgs(name="empty", empty_dir={{}})),
                aciml.VolumeArgs(
                    name="tables",
                    azure_file=aciml.AzureFileArgs(
                        share_name=registry.login_server.apply(lambda _: "share"),
                        storage_account_name="account",
                        storage_account_key="hush-share",
                    ),
                ),
            ],
            volume_mounts=[aciml.VolumeMountArgs(name=name, mount_path=f"/{{name}}") for name in ("empty", "tables")],
        ),
    ),
)
pulumi.export("key", service.primary_key)
""")

    said = program.up("--diff").check_ok().text

    inputs = program.inputs()["svc-group"]
    assert inputs["cpuCores"] == 1.5
    assert inputs["workers"] == 2
    assert inputs["logFormat"] == "json"
    assert inputs["environmentVariables"]["OPEN"].startswith("127.0.0.1:")
    assert [one["name"] for one in inputs["volumes"]] == ["empty", "tables"]
    assert inputs["volumes"][1]["azureFile"]["shareName"] == "share"
    assert inputs["livenessProbe"]["httpGet"]["port"] == 5000
    assert program.outputs()["key"] == "hush-key"
    later = program.pulumi("preview", "--diff", "--expect-no-changes").check_ok().text
    everything = program.state() + said + str(program.world()) + later
    assert [secret for secret in SECRETS if secret in everything] == []


def test_all_that_is_wrong_in_a_program_is_one_error_with_path_and_value(program: Program) -> None:
    program.write("""
aciml.ScoringService(
    "svc",
    aciml.ScoringServiceArgs(
        environment_image="x",
        source_directory="src",
        cpu=1,
        server=aciml.ServerArgs(
            workers=-1, scoring_timeout_ms=5, logs=aciml.LogArgs(log_format="jsn"), limits={"max_in_flght": 1}
        ),
        tls=aciml.TlsArgs(ssl_cert_pem_file="c"),
        azure=aciml.AzureArgs(volumes=[{"name": "v", "azure_file": {"share_name": "s"}}]),
    ),
)
""")

    said = program.pulumi("preview")

    said.check_failed(
        'error: ScoringService "svc":',
        "login_server is missing: registry to push to; or give image,",
        "cpu: is no argument of ScoringServiceArgs; did you mean cpu_cores? (__main__.py:",
        "server.workers",
        "-1",
        "server.scoring_timeout_ms: is no argument of ServerArgs; it is now limits.scoring_timeout_ms (__main__.py:",
        "server.logs.log_format",
        '"jsn"',
        "server.limits.max_in_flght: unknown key; did you mean max_in_flight?",
        "tls.ssl_key_pem_file: is missing (__main__.py:",
        "azure.volumes[0].azure_file.storage_account_name: is missing",
    )
    assert "Traceback" not in said.text
    assert said.text.partition("Diagnostics:")[2].count('error: ScoringService "svc":') == 1


def test_a_value_of_another_kind_is_named_without_the_value_which_may_be_a_secret(program: Program) -> None:
    program.write("""
aciml.ScoringService(
    "svc",
    aciml.ScoringServiceArgs(
        login_server="x", environment_image="x", source_directory="src", cpu_cores="many", primary_key=["hush"]
    ),
)
""")

    said = program.pulumi("preview").check_failed("cpu_cores must be a number", "primary_key must be a text")

    assert "hush" not in said.text


def test_what_an_output_has_wrong_is_one_error_when_it_is_known(program: Program) -> None:
    program.write(f"""
{ENVIRONMENT}
aciml.ScoringService(
    "svc",
    aciml.ScoringServiceArgs(
        login_server=REGISTRY, environment_image=environment.image, source_directory="src", name="svc",
        server=pulumi.Output.from_input({{"limits": {{"max_in_flght": 1}}}}),
    ),
)
""")

    program.pulumi("preview").check_failed("limits.max_in_flght: unknown key; did you mean max_in_flight?")


def test_numbers_and_booleans_that_the_cli_stores_arrive_as_what_they_are(program: Program) -> None:
    program.write(f"""
wired = {{"service": {{"login_server", "environment_image"}}}}
config = aciml.read_config({{"service": aciml.ScoringServiceArgs}}, wired=wired)
{ENVIRONMENT}
aciml.ScoringService(
    "svc",
    aciml.ScoringServiceArgs(login_server=REGISTRY, environment_image=environment.image, **config.service),
)
""")
    program.save()
    plain = {
        "memory_gb": "1.5",
        "auth_enabled": "true",
        "source_directory": "src",
        "name": "svc",
        "server.workers": "2",
        "server.limits.scoring_timeout_ms": "1000",
        "server.telemetry.metrics": "false",
        "azure.volumes[0].name": "files",
        "environment_variables.NUMBER": "1.50",
    }
    hidden = {"primary_key": "hush", "azure.volumes[0].secret.file": "aHVzaA=="}
    words = [word for path, text in plain.items() for word in ("--plaintext", f"scoring:service.{path}={text}")]
    words += [word for path, text in hidden.items() for word in ("--secret", f"scoring:service.{path}={text}")]
    # as `pulumi config set` does one by one
    program.pulumi("config", "set-all", "--path", *words, keep_config=True).check_ok()

    program.pulumi("up", "--yes", "--skip-preview", keep_config=True).check_ok()

    inputs = program.inputs()["svc-group"]
    assert (inputs["memoryGb"], inputs["authEnabled"]) == (1.5, True)
    assert (inputs["workers"], inputs["scoringTimeoutMs"], inputs["metrics"]) == (2, 1000, False)
    assert inputs["environmentVariables"] == {"NUMBER": "1.50"}
    assert '"hush"' not in program.state()


def test_a_config_of_the_flat_shape_is_told_each_new_place(program: Program) -> None:
    program.write("""
aciml.read_config({"service": aciml.ScoringServiceArgs, "environment": aciml.EnvironmentImageArgs}, wired={})
""")
    program.config["scoring:service"] = {"workers": 2, "scoring_timeout_ms": 5, "ssl_enabled": True, "rollout": "x"}
    program.config["scoring:environment"] = {"conda_file": "c.yml", "extra_steps": ["RUN true"], "dockerfile": "D"}

    program.pulumi("preview").check_failed(
        "scoring:service.workers: unknown key; it is now server.workers",
        "scoring:service.scoring_timeout_ms: unknown key; it is now server.limits.scoring_timeout_ms",
        "scoring:service.ssl_enabled: unknown key; drop it",
        "scoring:service.rollout: unknown key; it is now azure.rollout",
        "scoring:environment.conda_file: unknown key; it is now packages.conda_file",
        "scoring:environment.extra_steps: unknown key; it is now steps.lines",
        "it is now dockerfile.file",
    )


def test_a_program_that_is_interrupted_says_nothing_over_the_error_of_the_resource(program: Program) -> None:
    program.write("""
import os, signal
registry = aciml.Registry("first")
print("before", flush=True)
# as the language host does once a resource has failed; here with calls to the engine under way
os.kill(os.getpid(), signal.SIGINT)
print("after", flush=True)
""")

    said = program.pulumi("preview")

    assert said.code != 0
    assert "before" in said.text
    assert "after" not in said.text
    assert "Traceback" not in said.text
    assert "KeyboardInterrupt" not in said.text
