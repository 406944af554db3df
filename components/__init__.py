"""What a program declares: a registry, an environment image, a scoring service, and what they are told.

The plugin ``aciml`` makes them, on the target that its configuration names.
"""

from .kept import PAUSED, go_on

# isort: split
# behind what lets the collector rest, so that these are imported cheaper
from .args.azure import (
    AzureArgs,
    EncryptionArgs,
    IdentityArgs,
    LogAnalyticsArgs,
    LogType,
    RegistryCredentialArgs,
    Rollout,
    StableNameArgs,
)
from .args.container import (
    CapabilitiesArgs,
    ContainerArgs,
    GroupSku,
    InitContainerArgs,
    OsType,
    Priority,
    RestartPolicy,
    SecurityContextArgs,
)
from .args.container_app import CertificateProof, ContainerAppArgs, RunsOn, WorkloadProfileArgs
from .args.container_registry import (
    DefaultAction,
    RegistryAzureArgs,
    RegistryEncryptionArgs,
    RegistryNetworkArgs,
    RegistrySku,
)
from .args.docker import DockerArgs
from .args.dockerfile import DockerfileArgs
from .args.layers import Compression, LayersArgs, PreviewLayers
from .args.network import DnsConfigArgs, DnsNameLabelScope, IpAddressType, NetworkArgs, PortArgs, PortProtocol
from .args.packages import IndexStrategy, LockMode, PackagesArgs, PostLink
from .args.probe import ExecArgs, HttpGetArgs, ProbeArgs, Scheme
from .args.scale import ScaleArgs
from .args.server import (
    BatchArgs,
    DocumentArgs,
    LimitsArgs,
    LogArgs,
    LogFormat,
    LogLevel,
    ServerArgs,
    TelemetryArgs,
)
from .args.smoke_test import HttpMethod, SmokeTestArgs
from .args.steps import Builder, StepsArgs
from .args.tls import TlsArgs
from .args.traffic import CanaryStepArgs, GateArgs, ToleranceArgs, TrafficArgs
from .args.volume import AzureFileArgs, GitRepoArgs, VolumeArgs, VolumeMountArgs
from .config import StackConfig, read_config
from .environment import EnvironmentImage, EnvironmentImageArgs
from .judged import ArgumentsError
from .provider import Auth, Provider, ProviderArgs, Target
from .registry import Registry, RegistryArgs
from .scoring import ScoringService, ScoringServiceArgs
from .v1_error import V1Error

go_on(paused=PAUSED)

__all__ = [
    "ArgumentsError",
    "Auth",
    "AzureArgs",
    "AzureFileArgs",
    "BatchArgs",
    "Builder",
    "CanaryStepArgs",
    "CapabilitiesArgs",
    "CertificateProof",
    "Compression",
    "ContainerAppArgs",
    "ContainerArgs",
    "DefaultAction",
    "DnsConfigArgs",
    "DnsNameLabelScope",
    "DockerArgs",
    "DockerfileArgs",
    "DocumentArgs",
    "EncryptionArgs",
    "EnvironmentImage",
    "EnvironmentImageArgs",
    "ExecArgs",
    "GateArgs",
    "GitRepoArgs",
    "GroupSku",
    "HttpGetArgs",
    "HttpMethod",
    "IdentityArgs",
    "IndexStrategy",
    "InitContainerArgs",
    "IpAddressType",
    "LayersArgs",
    "LimitsArgs",
    "LockMode",
    "LogAnalyticsArgs",
    "LogArgs",
    "LogFormat",
    "LogLevel",
    "LogType",
    "NetworkArgs",
    "OsType",
    "PackagesArgs",
    "PortArgs",
    "PortProtocol",
    "PostLink",
    "PreviewLayers",
    "Priority",
    "ProbeArgs",
    "Provider",
    "ProviderArgs",
    "Registry",
    "RegistryArgs",
    "RegistryAzureArgs",
    "RegistryCredentialArgs",
    "RegistryEncryptionArgs",
    "RegistryNetworkArgs",
    "RegistrySku",
    "RestartPolicy",
    "Rollout",
    "RunsOn",
    "ScaleArgs",
    "Scheme",
    "ScoringService",
    "ScoringServiceArgs",
    "SecurityContextArgs",
    "ServerArgs",
    "SmokeTestArgs",
    "StableNameArgs",
    "StackConfig",
    "StepsArgs",
    "Target",
    "TelemetryArgs",
    "TlsArgs",
    "ToleranceArgs",
    "TrafficArgs",
    "V1Error",
    "VolumeArgs",
    "VolumeMountArgs",
    "WorkloadProfileArgs",
    "read_config",
]
