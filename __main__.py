"""Declare a registry, an environment image and a scoring service, as the stack config says."""

import pulumi

from pulumi_aciml import (
    EnvironmentImage,
    EnvironmentImageArgs,
    Registry,
    RegistryArgs,
    ScoringService,
    ScoringServiceArgs,
)
from pulumi_aciml.config import read_config

config = read_config(
    {"registry": RegistryArgs, "environment": EnvironmentImageArgs, "service": ScoringServiceArgs},
    wired={"environment": {"login_server"}, "service": {"login_server", "environment_image"}},
)

registry = Registry("aciml", RegistryArgs(**config.registry))
environment = EnvironmentImage(
    "environment", EnvironmentImageArgs(login_server=registry.login_server, **config.environment)
)
service = ScoringService(
    "diabetes",
    ScoringServiceArgs(login_server=registry.login_server, environment_image=environment.image, **config.service),
)

pulumi.export("scoring_uri", service.scoring_uri)
pulumi.export("swagger_uri", service.swagger_uri)
for name in ("fqdn", "ip", "state", "image_digest", "location"):
    pulumi.export(name, getattr(service, name))
pulumi.export("image", service.image)
pulumi.export("environment_image", environment.image)
pulumi.export("primary_key", service.primary_key)
pulumi.export("secondary_key", service.secondary_key)
