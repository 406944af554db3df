"""An image whose base has glibc and nothing else: no shell, no coreutils, no /tmp."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from aciml.blobs.store import BlobStore, write_layer
from aciml.core.compose import STARTER, entry_point, environment_image
from aciml.core.image import Image
from aciml.core.layer import PREFIX, Entry
from aciml.core.progress import Silent
from aciml.registry.push import push_image
from aciml.targets.local.pull import ensure_image
from tests.docker.conftest import Kitchen
from tests.docker.test_dockerfile_base import build, job_of

pytestmark = [pytest.mark.docker, pytest.mark.registry]
_SERVER = Path(__file__).parents[2] / "server"
_GLIBC = r"lib(?:c|m|dl|rt|util|pthread)\.so\.\d+|ld-linux-x86-64\.so\.2|linux-vdso\.so\.1|libpython.*"
_BASE = """FROM BASE AS whole
RUN mkdir -p /slim/lib64 /slim/lib/x86_64-linux-gnu && cp -L /lib64/ld-linux-x86-64.so.2 /slim/lib64/ \
    && cd /lib/x86_64-linux-gnu && cp -L libc.so.6 libm.so.6 libdl.so.2 librt.so.1 libutil.so.1 libpthread.so.0 \
    /slim/lib/x86_64-linux-gnu/
FROM scratch
COPY --from=whole /slim/ /
"""


def linked() -> str:
    """Return what the Python that runs these tests is linked to."""
    program = str(Path(sys.executable).resolve())
    return subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout


def python_entries() -> Iterator[Entry]:
    """Give the Python that runs these tests, as a conda package would lie: the program and what it starts with."""
    program, version = Path(sys.executable).resolve(), f"python{sysconfig.get_python_version()}"
    yield Entry.of_bytes(f"{PREFIX[1:]}/bin/python", program.read_bytes(), mode=0o755, mtime=0)
    for found in re.findall(r"=> (\S+/libpython\S+) ", linked()):
        name = f"{PREFIX[1:]}/lib/{Path(found).name}"
        yield Entry.of_bytes(name, Path(found).read_bytes(), mode=0o755, mtime=0)
    library = Path(sysconfig.get_path("stdlib"))
    for path in sorted([*library.glob("*.py"), *library.glob("[a-hj-z]*/*.py")]):
        inside = path.relative_to(library).as_posix()
        if not inside.startswith(("test", "site-packages", "config", "ensurepip", "lib2to3", "tkinter")):
            name = f"{PREFIX[1:]}/lib/{version}/{inside}"
            yield Entry.of_bytes(name, path.read_bytes(), mode=0o644, mtime=1_000_000_000)


@pytest.fixture
def slim(kitchen: Kitchen) -> Image:
    names = re.findall(r"^\s*(\S+)(?= )", linked(), re.MULTILINE)
    if others := [name for name in names if not re.fullmatch(_GLIBC, Path(name).name)]:
        pytest.skip(f"this Python needs more than glibc: {', '.join(others)}")
    return build(kitchen, job_of(kitchen, _BASE))


def test_a_base_without_a_shell_starts_the_environments_python(kitchen: Kitchen, slim: Image, tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    conda = write_layer(list(python_entries()), store)
    files = [entry_point((_SERVER / "entrypoint.sh").read_bytes())]
    files.append(entry_point((_SERVER / "entrypoint.py").read_bytes(), STARTER))
    image = environment_image(
        slim, (conda,), (), write_layer(files, store), created=slim.created, variables={"SAID": "hello"}, python=True
    )
    push_image(kitchen.client, kitchen.repository, "", image, store, mount_from={}, progress=Silent())
    name = f"{kitchen.host}/{kitchen.repository}@{image.digest}"
    ensure_image(kitchen.engine, name, {}, Silent())
    command = ["python", "-c", "import os; print(os.environ['SAID'], os.environ['CONDA_PREFIX'], os.getpid())"]
    try:
        said = bytes(kitchen.engine.containers.run(name, command, remove=True)).decode()
    finally:
        kitchen.engine.images.remove(name)

    assert said == f"hello {PREFIX} 1\n"
