"""A type checker names every misspelt word of a program, and none of a good one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GOOD = """\
import pulumi

import pulumi_aciml as aciml

registry = aciml.Registry("registry", aciml.RegistryArgs(port=5000))
environment = aciml.EnvironmentImage(
    "env",
    aciml.EnvironmentImageArgs(
        login_server=registry.login_server,
        base_image="debian:bookworm-slim",
        packages=aciml.PackagesArgs(conda_file="conda.yml", post_link=aciml.PostLink.STEP),
        steps=aciml.StepsArgs(lines=["RUN true", pulumi.Output.from_input("RUN false")]),
    ),
)
service = aciml.ScoringService(
    "svc",
    aciml.ScoringServiceArgs(
        login_server=registry.login_server,
        environment_image=environment.image,
        source_directory="src",
        cpu_cores=pulumi.Output.from_input(1.5),
        tags={"team": pulumi.Output.from_input("red")},
        server=aciml.ServerArgs(
            workers=2,
            limits=aciml.LimitsArgs(scoring_timeout_ms=1000),
            logs=aciml.LogArgs(log_format=aciml.LogFormat.JSON),
        ),
        azure=aciml.AzureArgs(
            rollout=aciml.Rollout.BLUE_GREEN,
            liveness_probe=aciml.ProbeArgs(http_get=aciml.HttpGetArgs(port=80), period_seconds=5),
            volumes=[aciml.VolumeArgs(name="v", azure_file=aciml.AzureFileArgs(
                share_name="s", storage_account_name="a"))],
            volume_mounts=[aciml.VolumeMountArgs(name="v", mount_path="/v")],
        ),
    ),
    pulumi.ResourceOptions(provider=aciml.Provider("here", aciml.ProviderArgs(target=aciml.Target.LOCAL))),
)
pulumi.export("uri", service.scoring_uri)
"""
MISSPELT = {
    "port=5000": "prot=5000",
    "conda_file=": "conda_fil=",
    "PostLink.STEP": "PostLink.STEPS",
    "lines=": "line=",
    "cpu_cores=": "cpu_core=",
    "workers=2": "worker=2",
    "scoring_timeout_ms=1000": "scoring_timeout=1000",
    "Rollout.BLUE_GREEN": "Rollout.BLUEGREEN",
    "period_seconds=5": "period_second=5",
    "mount_path=": "mountPath=",
}


def checked(folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Check a program with the settings of the house: what it imports is in mypy's cache, if all was checked before."""
    path = folder / "program.py"
    path.write_text(program)
    return subprocess.run(
        [sys.executable, "-m", "mypy", str(path)], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_a_good_program_passes(tmp_path: Path) -> None:
    assert checked(tmp_path, GOOD).stdout.splitlines() == ["Success: no issues found in 1 source file"]


def test_ten_misspelt_words_are_ten_errors_at_their_lines(tmp_path: Path) -> None:
    program = GOOD
    for right, wrong in MISSPELT.items():
        assert program.count(right) == 1
        program = program.replace(right, wrong)

    said = checked(tmp_path, program)

    lines = {
        word: number
        for number, line in enumerate(program.splitlines(), 1)
        for word in MISSPELT.values()
        if word in line
    }
    for word, number in lines.items():
        name = word.partition("=")[0].rpartition(".")[2]
        found = [line for line in said.stdout.splitlines() if f'"{name}"' in line]
        assert found, f"{word} is not named in:\n{said.stdout}"
        assert any(abs(int(line.split(":")[1]) - number) <= 6 for line in found)
    assert len(lines) == 10
