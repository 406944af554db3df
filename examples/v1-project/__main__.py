"""Serve what two files of Azure ML v1 describe; the stack config says where."""

import pulumi

import pulumi_aciml as aciml

config = pulumi.Config()

registry = aciml.Registry("v1-project", aciml.RegistryArgs(**config.get_object("registry", {})))
environment = aciml.EnvironmentImage(
    "environment",
    aciml.EnvironmentImageArgs.from_v1(inference_config="inferenceconfig.json", login_server=registry.login_server),
)
service = aciml.ScoringService(
    "v1-project",
    aciml.ScoringServiceArgs.from_v1(
        inference_config="inferenceconfig.json",
        deployment_config="deploymentconfig.json",
        login_server=registry.login_server,
        environment_image=environment.image,
        models={"iris": "outputs/iris.json"},
    ),
)

pulumi.export("scoring_uri", service.scoring_uri)
pulumi.export("primary_key", service.primary_key)
pulumi.export("image", service.image)
