"""Every key of v1's files and what becomes of it: the one table that reading, messages and the page are made of.

Source: the parsers of CLI v1 and of ``azureml-core`` 1.61, Microsoft's pages of CLI v1 ("Inference configuration
schema", "Deployment configuration schema"), and files that ``Environment.save_to_directory`` writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Fate(StrEnum):
    """What becomes of a key that says something."""

    USED = "used"
    """It means the same here."""
    REPLACED = "replaced by"
    """Something of ours does what it was for."""
    NOT_GIVEN = "not given"
    """It is passed over, and told."""
    REFUSED = "refused"
    """Without it the service would be another one: an error says what to do."""


class Kind(StrEnum):
    """Form of a value."""

    TEXT = "text"
    PATH = "path"
    TRUTH = "true or false"
    NUMBER = "number"
    TEXTS = "map of texts"
    STEPS = "file, or list of lines"
    REGISTRY = "text or object"
    ENVIRONMENT = "object or name"
    SECTION = "object"
    ANY = "any"


@dataclass(frozen=True)
class Key:
    """One key of a file.

    ``path`` leads to it with dots; ``to`` is the argument of ours, by its path; ``why`` is a sentence for people, and
    for what is refused the advice. ``plain`` are values that say no more than null does; ``also`` are other spellings.
    """

    path: str
    kind: Kind
    fate: Fate
    to: str = ""
    why: str = ""
    plain: tuple[Any, ...] = ()
    secret: bool = False
    also: tuple[str, ...] = ()
    quiet: bool = False
    """Whether it is passed over without a word: every file has it, and nobody misses it."""

    @property
    def name(self) -> str:
        """The last word of the path."""
        return self.path.rpartition(".")[2]

    @property
    def above(self) -> str:
        """Path of the object that it is in; empty at the top."""
        return self.path.rpartition(".")[0]


_TEXT, _PATH, _TRUTH, _NUMBER = Kind.TEXT, Kind.PATH, Kind.TRUTH, Kind.NUMBER
_SECTION, _ANY = Kind.SECTION, Kind.ANY
_USED, _REPLACED, _NOT_GIVEN, _REFUSED = Fate.USED, Fate.REPLACED, Fate.NOT_GIVEN, Fate.REFUSED
_AKS = "v1 read it for AKS alone"
_TRAINING = "v1 read it for training alone"
_NO_GPU = "Container Instances have no GPUs any more; serve on the CPU: drop it, and ask for packages without CUDA"
_SCHEMA = Key("$schema", _ANY, _NOT_GIVEN, why="it is for editors", quiet=True)

INFERENCE: tuple[Key, ...] = (
    Key("entryScript", _TEXT, _USED, "service.entry_script", "relative to sourceDirectory, as in v1"),
    Key(
        "sourceDirectory",
        _PATH,
        _USED,
        "service.source_directory",
        "without it v1 sent the script alone: `aciml import` copies it, `from_v1` takes the script's folder",
    ),
    # v1 had spark-py, python and python-slim: the two of Python are what every image here has
    Key(
        "runtime",
        _TEXT,
        _REFUSED,
        why="there is no Spark, and nothing but Python: write python, or drop it",
        plain=("python", "python-slim"),
    ),
    Key("condaFile", _PATH, _USED, "environment.packages.conda_file", "relative to sourceDirectory, as in v1"),
    # the SDK's argument is extra_docker_file_steps, and who wrote a file by it wrote a capital F
    Key(
        "extraDockerfileSteps",
        Kind.STEPS,
        _USED,
        "environment.steps",
        "a file relative to sourceDirectory, or a list of lines, which v1 promised and did not take",
        also=("extraDockerFileSteps",),
        plain=((),),
    ),
    # false asks for nothing, and files that were copied from a sample say it
    Key("enableGpu", _TRUTH, _REFUSED, why=_NO_GPU, plain=(False,)),
    Key("cudaVersion", _TEXT, _NOT_GIVEN, why="v1 read it with enableGpu alone"),
    Key("baseImage", _TEXT, _USED, "environment.base_image", "debian:bookworm-slim without it"),
    Key("baseImageRegistry", Kind.REGISTRY, _USED, "environment.base_image", "its address goes before the image"),
    Key("baseImageRegistry.address", _TEXT, _USED, "environment.base_image"),
    Key("baseImageRegistry.username", _TEXT, _USED, "environment.base_username"),
    Key("baseImageRegistry.password", _TEXT, _USED, "environment.base_password", secret=True),
    Key("description", _TEXT, _USED, "service.description"),
    Key("schemaFile", _PATH, _REPLACED, "@input_schema, or swagger.json beside the script", "the script describes it"),
    Key("environment", Kind.ENVIRONMENT, _USED, "environment", "its own keys are below"),
    _SCHEMA,
)
"""Of ``inferenceconfig.json``."""

ENVIRONMENT: tuple[Key, ...] = (
    # a workspace kept environments by these three; a digest says more than all of them
    Key("name", _TEXT, _NOT_GIVEN, why="an image is named by its repository and digest", quiet=True),
    Key("version", _ANY, _NOT_GIVEN, why="the image's digest is its version", quiet=True),
    Key("assetId", _TEXT, _NOT_GIVEN, why="there is no workspace", quiet=True),
    Key(
        "environmentVariables",
        Kind.TEXTS,
        _USED,
        "service.environment_variables",
        "EXAMPLE_ENV_VAR, which each new environment of v1 had, is left out if the script does not read it; "
        "what is named like a secret becomes one",
    ),
    # two ways that exclude one another, as in v1: packages of conda, or the Python that the image has
    Key("python", _SECTION, _USED),
    Key(
        "python.userManagedDependencies",
        _TRUTH,
        _USED,
        "environment.packages",
        "true: the image's own Python serves, and conda's packages are passed over",
    ),
    Key(
        "python.interpreterPath",
        _TEXT,
        _USED,
        "environment.packages.interpreter_path",
        "with userManagedDependencies alone, as in v1; found in the image if it is only python",
        plain=("python", "python3"),
    ),
    # an environment that is written inline has its packages in place; one that was saved has a file beside it
    Key("python.condaDependencies", _ANY, _USED, "environment.packages.conda_text"),
    Key("python.condaDependenciesFile", _PATH, _USED, "environment.packages.conda_file"),
    Key("python.baseCondaEnvironment", _TEXT, _NOT_GIVEN, why="packages are linked into an environment of their own"),
    Key("docker", _SECTION, _USED),
    Key("docker.baseImage", _TEXT, _USED, "environment.base_image", "debian:bookworm-slim without it"),
    Key(
        "docker.baseDockerfile",
        _TEXT,
        _USED,
        "environment.dockerfile",
        "a text, or the path of a file; of a scaffold the file BaseDockerfile",
    ),
    Key(
        # a build by a workspace took both from its own storage, which nobody but that workspace reads
        "docker.buildContext",
        _ANY,
        _REFUSED,
        why="it lies in git or in a storage account: fetch it, and name its folder in dockerfile.context",
        plain=({},),
    ),
    Key(
        "docker.baseImageRegistry", Kind.REGISTRY, _USED, "environment.base_image", "its address goes before the image"
    ),
    Key("docker.baseImageRegistry.address", _TEXT, _USED, "environment.base_image"),
    Key("docker.baseImageRegistry.username", _TEXT, _USED, "environment.base_username"),
    Key("docker.baseImageRegistry.password", _TEXT, _USED, "environment.base_password", secret=True),
    Key(
        "docker.baseImageRegistry.registryIdentity",
        _ANY,
        _NOT_GIVEN,
        why="whoever builds pulls the base: log in to its registry there, or give base_username and base_password",
    ),
    Key("docker.platform", _SECTION, _USED),
    Key(
        "docker.platform.os",
        _TEXT,
        _REFUSED,
        why="images are made for Linux",
        plain=("Linux", "linux"),
    ),
    Key(
        "docker.platform.architecture",
        _TEXT,
        _REFUSED,
        why="Container Instances have amd64 alone",
        plain=("amd64", "x86_64"),
    ),
    # how a job's container is started: a container group has words of its own for what of it is there
    Key("docker.enabled", _TRUTH, _NOT_GIVEN, why=_TRAINING, plain=(False, True)),
    Key("docker.sharedVolumes", _TRUTH, _NOT_GIVEN, why=_TRAINING, plain=(False, True)),
    Key("docker.shmSize", _ANY, _NOT_GIVEN, why=_TRAINING, plain=("2g", "1g")),
    Key("docker.arguments", _ANY, _NOT_GIVEN, why=_TRAINING, plain=((),)),
    Key("docker.gpuSupport", _TRUTH, _NOT_GIVEN, why=_TRAINING, plain=(False,)),
    # a saved environment has this section and the next, whatever it was for: only what they say counts
    Key("spark", _SECTION, _USED, why="empty, as each environment of v1 has it"),
    Key("spark.repositories", _ANY, _REFUSED, why="there is no Spark; serve it with Python", plain=((),)),
    Key("spark.packages", _ANY, _REFUSED, why="there is no Spark; serve it with Python", plain=((),)),
    Key("spark.precachePackages", _TRUTH, _NOT_GIVEN, why="there is no Spark", plain=(True, False)),
    Key("databricks", _ANY, _NOT_GIVEN, why=_TRAINING),
    Key(
        "r",
        _ANY,
        _REFUSED,
        why="a script in R is not served: call R from a score.py (rpy2, with r-base in the conda file); drop it",
        plain=({},),
    ),
    Key("inferencingStackVersion", _TEXT, _REPLACED, "the server that images have", "it comes with every service"),
    _SCHEMA,
)
"""Of an environment: inline in ``inferenceconfig.json``, or a scaffold's ``azureml_environment.json``."""

DEPLOYMENT: tuple[Key, ...] = (
    # the only key that v1 demanded
    Key("computeType", _TEXT, _USED, "aciml:target", "aci or local; the stack config says where a service goes"),
    Key("containerResourceRequirements", _SECTION, _USED),
    Key(
        "containerResourceRequirements.cpu",
        _NUMBER,
        _USED,
        "service.cpu_cores",
        "less than 1 (v1's default is 0.1) stays at home, and is 1 on Azure, the least that it takes",
    ),
    Key(
        "containerResourceRequirements.memoryInGB",
        _NUMBER,
        _USED,
        "service.memory_gb",
        "less than 1 (v1's default is 0.5) stays at home, and is 1 on Azure",
    ),
    Key("containerResourceRequirements.cpuLimit", _NUMBER, _NOT_GIVEN, why=f"{_AKS}; azure.container.cpu_limit has it"),
    Key(
        "containerResourceRequirements.memoryInGBLimit",
        _NUMBER,
        _NOT_GIVEN,
        why=f"{_AKS}; azure.container.memory_limit has it",
    ),
    # the number of GPUs; gpuCores below is the same of AKS
    Key("containerResourceRequirements.gpu", _NUMBER, _REFUSED, why=_NO_GPU, plain=(0,)),
    Key("location", _TEXT, _USED, "service.location"),
    Key("dnsNameLabel", _TEXT, _USED, "service.azure.dns_name_label"),
    Key("authEnabled", _TRUTH, _USED, "service.auth_enabled", "false without it, as in v1"),
    Key("keys", _SECTION, _USED, why="without authEnabled they are refused: the service would be open"),
    Key("keys.primaryKey", _TEXT, _USED, "service.primary_key", secret=True),
    Key("keys.secondaryKey", _TEXT, _USED, "service.secondary_key", secret=True),
    Key(
        "tokenAuthEnabled",
        _TRUTH,
        _REFUSED,
        why="Container Instances knew no tokens, and the service would be open; write authEnabled: true, for keys",
        plain=(False,),
    ),
    # v1 read the three files of a certificate only if this says true, and so do we
    Key("sslEnabled", _TRUTH, _USED, "service.tls", "true needs certificate, key and cname, as in v1"),
    Key("sslCertificate", _PATH, _USED, "service.tls.ssl_cert_pem_file", also=("sslCertPemFile",)),
    Key("sslKey", _PATH, _USED, "service.tls.ssl_key_pem_file", also=("sslKeyPemFile",)),
    Key("cname", _TEXT, _USED, "service.tls.ssl_cname"),
    Key(
        "appInsightsEnabled",
        _TRUTH,
        _USED,
        "service.enable_app_insights",
        "v1's workspace knew where to: give server.telemetry.app_insights_connection_string",
        plain=(False,),
    ),
    # a key of one's own for what Container Instances write to disk: with two of three ARM refuses the group
    Key("vaultBaseUrl", _TEXT, _USED, "service.azure.encryption.cmk_vault_base_url", "all three, or none"),
    Key("keyName", _TEXT, _USED, "service.azure.encryption.cmk_key_name", "all three, or none"),
    Key("keyVersion", _TEXT, _USED, "service.azure.encryption.cmk_key_version", "all three, or none"),
    Key("vnetName", _TEXT, _USED, "service.azure.network.vnet_name", "both, or none"),
    Key("subnetName", _TEXT, _USED, "service.azure.network.subnet_name", "both, or none"),
    Key("port", _NUMBER, _USED, "service.port", "with computeType local alone, as in v1"),
    Key("tags", Kind.TEXTS, _USED, "service.tags", "v1 took them from its flags alone", also=("kvTags",)),
    Key("properties", Kind.TEXTS, _USED, "service.properties", "v1 took them from its flags alone"),
    Key("description", _TEXT, _USED, "service.description", "v1 took it from its flags alone"),
    Key("dataCollection", _SECTION, _USED),
    Key(
        "dataCollection.storageEnabled",
        _TRUTH,
        _NOT_GIVEN,
        why="v1 collected nothing on Container Instances; server.logs.log_payloads writes bodies to the log",
        plain=(False,),
    ),
    Key(
        "collectModelData",
        _TRUTH,
        _NOT_GIVEN,
        why="v1 collected nothing on Container Instances; server.logs.log_payloads writes bodies to the log",
        plain=(False,),
        also=("collect_model_data",),
    ),
    # passed over by v1 on Container Instances, whose server had no such limit; ours has one everywhere
    Key("scoringTimeoutMs", _NUMBER, _USED, "service.server.limits.scoring_timeout_ms", f"{_AKS}"),
    Key(
        "maxConcurrentRequestsPerContainer",
        _NUMBER,
        _NOT_GIVEN,
        why=f"{_AKS}; server.workers and server.limits.max_in_flight have it",
    ),
    Key("maxQueueWaitMs", _NUMBER, _NOT_GIVEN, why=f"{_AKS}; server.limits.queue_timeout has it, in seconds"),
    Key("livenessProbeRequirements", _ANY, _NOT_GIVEN, why=f"{_AKS}; azure.liveness_probe has it"),
    Key("autoScaler", _ANY, _NOT_GIVEN, why=f"{_AKS}: a container group is one container"),
    Key("numReplicas", _NUMBER, _NOT_GIVEN, why=f"{_AKS}: a container group is one container", plain=(1,)),
    Key("gpuCores", _NUMBER, _REFUSED, why=_NO_GPU, plain=(0,)),
    Key("namespace", _TEXT, _NOT_GIVEN, why=_AKS),
    # Microsoft's page of the CLI wrote it so ("Deployment", sample of AKS)
    Key("computeTargetName", _TEXT, _NOT_GIVEN, why=_AKS, also=("ComputeTarget",)),
    Key("versionName", _TEXT, _NOT_GIVEN, why="v1 read it for AKS endpoints alone"),
    Key("trafficPercentile", _NUMBER, _NOT_GIVEN, why="v1 read it for AKS endpoints alone"),
    _SCHEMA,
)
"""Of ``deploymentconfig.json``."""

TARGETS = {
    # refused and not passed over: who names a cluster expects replicas, a ramp or a device, and would get none of them
    "aks": "Kubernetes is no target here: write computeType aci for Container Instances, or run the image that is "
    "pushed (output `image`) in a Deployment of your own",
    "aksendpoint": "AKS endpoints are no target here: write computeType aci, and azure.rollout blue_green for a second "
    "version that takes over when it answers",
    "iot": "IoT Edge is no target here: the image that is pushed (output `image`) is one for its deployment manifest",
}
"""Compute types of v1 that are refused, and what to use instead."""


_ENCRYPTION, _NETWORK = "write vaultBaseUrl, keyName and keyVersion", "write vnetName and subnetName"
# the names of arguments in Python: by a table, since most are no slip of the finger that a comparison would find
SDK_WORDS = {
    "cpu_cores": "write containerResourceRequirements.cpu",
    "memory_gb": "write containerResourceRequirements.memoryInGB",
    "enable_app_insights": "write appInsightsEnabled",
    "encryptionProperties": _ENCRYPTION,
    "cmk_vault_base_url": _ENCRYPTION,
    "cmk_key_name": _ENCRYPTION,
    "cmk_key_version": _ENCRYPTION,
    "vnetConfiguration": _NETWORK,
    "container_registry": "write docker.baseImageRegistry in the environment",
    "models": "models are given by --model NAME=PATH, or models of the service",
    "deploymentTarget": "write computeType",
}
"""Words of v1's SDK, and of what its service answered, that no file took; and what a file says instead."""


def children(keys: tuple[Key, ...], above: str) -> Iterator[Key]:
    """Yield the keys of one object, by its path."""
    return (key for key in keys if key.above == above)
