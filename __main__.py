"""Declare a registry, an environment image and a scoring service, as the stack config says."""

import pulumi

import pulumi_aciml as aciml

config = aciml.read_config(
    {"registry": aciml.RegistryArgs, "environment": aciml.EnvironmentImageArgs, "service": aciml.ScoringServiceArgs},
    wired={"environment": {"login_server"}, "service": {"login_server", "environment_image"}},
)

registry = aciml.Registry("aciml", aciml.RegistryArgs(**config.registry))
environment = aciml.EnvironmentImage(
    "environment", aciml.EnvironmentImageArgs(login_server=registry.login_server, **config.environment)
)
service = aciml.ScoringService(
    "diabetes",
    aciml.ScoringServiceArgs(login_server=registry.login_server, environment_image=environment.image, **config.service),
)

pulumi.export("scoring_uri", service.scoring_uri)
pulumi.export("swagger_uri", service.swagger_uri)
for name in ("fqdn", "ip", "state", "image_digest"):
    pulumi.export(name, getattr(service, name))
pulumi.export("image", service.image)
pulumi.export("environment_image", environment.image)
pulumi.export("primary_key", service.primary_key)
pulumi.export("secondary_key", service.secondary_key)
