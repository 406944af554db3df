"""What a service may do in its container: a real one, asked by its own script. The tests run in this order."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests.e2e.project import Project

pytestmark = [pytest.mark.e2e, pytest.mark.docker]

SCORE = """
import os, pathlib, pwd, subprocess, tempfile

def may_write(folder):
    try:
        with open(os.path.join(folder, "written"), "w") as stream:
            stream.write("x")
        os.utime(os.path.join(folder, "written"), (1, 1))
        return True
    except OSError as error:
        return error.strerror

def init():
    with open(os.path.join(os.path.dirname(__file__), "known.txt"), "a") as stream:
        stream.write("written before")

def run(raw_data):
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return {
        "ids": [os.getuid(), os.getgid(), os.getgroups()],
        "name": pwd.getpwuid(os.getuid()).pw_name,
        "whoami": subprocess.run(["whoami"], capture_output=True, text=True).stdout.strip(),
        "home": [str(pathlib.Path.home()), os.environ["HOME"], pwd.getpwuid(os.getuid()).pw_dir],
        "www": pwd.getpwnam("www-data").pw_uid,
        "stepped": pwd.getpwnam("stepped").pw_uid,
        "rights": [status[name].strip() for name in ("CapEff", "CapPrm", "CapBnd", "NoNewPrivs")],
        "writes": {
            "home": may_write(os.path.expanduser("~")),
            "cwd": may_write(os.getcwd()),
            "tmp": may_write(tempfile.gettempdir()),
            "beside": may_write(os.path.dirname(__file__)),
            "model": may_write(os.environ["AZUREML_MODEL_DIR"]),
            "etc": may_write("/etc"),
            "volume": may_write("/mnt/data"),
        },
        "model": open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "weights.bin")).read(),
        "pid": [os.getppid(), open("/proc/1/status").read().split("Uid:")[1].split()[0]],
    }
"""
NOBODY = "0000000000000000"


@pytest.fixture(scope="module", autouse=True)
def small(project: Project) -> None:
    """Need no package, and one model."""
    project.write("src/score.py", SCORE)
    project.write("src/known.txt", "")
    project.write("weights.bin", "some weights")
    project.write("conda.yml", "channels: [conda-forge]\ndependencies: [python=3.11]\n")
    environment, service = project.config["scoring:environment"], project.config["scoring:service"]
    environment["extra_steps"] = ["RUN useradd --uid 4321 stepped"]
    del environment["steps_context"]
    service["models"] = {"weights": "weights.bin"}


def host_config(project: Project) -> dict[str, Any]:
    container = project.container()
    assert container is not None
    return dict(container["HostConfig"])


def test_a_service_is_a_user_with_a_name_and_a_home_and_without_any_right(project: Project) -> None:
    project.up().check_ok()
    seen = project.ask("")
    assert seen["writes"].pop("volume") == "No such file or directory"

    assert seen["ids"] == [10001, 10001, [10001]]
    assert seen["name"] == seen["whoami"] == "aciml"
    assert seen["home"] == ["/home/aciml"] * 3
    assert (seen["www"], seen["stepped"]) == (33, 4321)  # the base's users and those of the steps keep their names
    assert seen["rights"] == [NOBODY, NOBODY, NOBODY, "1"]
    assert seen["writes"] == {
        **dict.fromkeys(("home", "cwd", "tmp", "beside", "model"), True),
        "etc": "Permission denied",
    }
    assert seen["model"] == "some weights"


def test_the_image_says_the_user_by_numbers_and_the_engine_has_limits(project: Project) -> None:
    container, host = project.container(), host_config(project)
    assert container is not None

    assert container["Config"]["User"] == "10001:10001"
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["PidsLimit"] == 4096
    assert not host["ReadonlyRootfs"]
    assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}


def test_a_port_below_1024_is_bound_by_a_first_step_that_then_becomes_the_user(project: Project) -> None:
    """As where no engine maps ports: root begins, and only root may have port 80."""
    image = project.outputs()["image"]
    seen = json.loads(subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=True).stdout)
    entry = seen[0]["Config"]["Entrypoint"]
    first = [entry[0], "-I", "-S", "-B", "/opt/aciml/server/unprivileged.py", *entry, *seen[0]["Config"]["Cmd"]]
    options = ["--user", "0:0", "--sysctl", "net.ipv4.ip_unprivileged_port_start=1024", "--entrypoint", first[0]]
    keys = project.folder / "keys"
    keys.write_text("k")
    keys.chmod(0o600)
    options += ["-v", f"{keys}:/var/keys:ro", "-v", "/mnt/data"]
    variables = ["-e", "ACIML_USER=10001:10001", "-e", "ACIML_PORT=80", "-e", "ACIML_KEYS_FILE=/var/keys"]
    name = f"aciml-{project.name}-80"
    ask = (
        "import time, urllib.request as u\n"
        "request = u.Request('http://127.0.0.1:80/score', b'', {'Authorization': 'Bearer k'})\n"
        "while True:\n"
        "    try: print(u.urlopen(request).read().decode()); break\n"
        "    except OSError: time.sleep(0.1)\n"
    )
    subprocess.run(["docker", "run", "-d", "--name", name, *options, *variables, image, *first[1:]], check=True)
    try:
        command = ["docker", "exec", "--user", "4321", name, "timeout", "60", entry[0], "-c", ask]
        asked = subprocess.run(command, capture_output=True, text=True, check=False)
        log = subprocess.run(["docker", "logs", name], capture_output=True, text=True, check=False)
    finally:
        subprocess.run(["docker", "rm", "-f", "-v", name], check=True, capture_output=True)

    assert asked.returncode == 0, log.stdout + log.stderr
    answer = json.loads(asked.stdout)
    assert answer["ids"] == [10001, 10001, [10001]]
    assert answer["rights"] == [NOBODY, NOBODY, NOBODY, "1"]
    assert answer["pid"][1] == "10001"
    assert answer["writes"]["home"] is answer["writes"]["volume"] is True


def test_a_root_that_is_read_only_still_has_places_to_write(project: Project) -> None:
    service = project.config["scoring:service"]
    service["read_only_root"] = True
    service["docker"] = {"max_processes": 500, "log_size_mb": 1, "log_files": 2}
    project.write(
        "src/score.py",
        SCORE.replace(
            'with open(os.path.join(os.path.dirname(__file__), "known.txt"), "a")', "with open('/tmp/x', 'w')"
        ),
    )
    project.up().check_ok()
    seen, host = project.ask(""), host_config(project)

    assert host["ReadonlyRootfs"] is True
    assert host["PidsLimit"] == 500
    assert host["LogConfig"]["Config"] == {"max-size": "1m", "max-file": "2"}
    denied = "Read-only file system"
    assert seen["writes"] == {
        "home": True,
        "tmp": True,
        "cwd": denied,
        "beside": denied,
        "model": denied,
        "etc": denied,
        "volume": "No such file or directory",
    }


def test_who_needs_root_is_told_how_to_be_it(project: Project) -> None:
    service = project.config["scoring:service"]
    service["read_only_root"] = False
    project.write("src/score.py", SCORE.replace("def init():", "def init():\n    open('/etc/mine', 'w')"))

    project.up().check_failed("PermissionError", "run_as_root: true")
    service["run_as_root"] = True
    project.up().check_ok()
    seen = project.ask("")

    assert seen["ids"][:2] == [0, 0]
    assert seen["rights"][3] == "1"
    assert seen["writes"]["etc"] is True
    assert host_config(project)["CapDrop"] in (None, [])
