"""A service that reads a picture of a handwritten digit."""

import pulumi

import pulumi_aciml as aciml

registry = aciml.Registry("models")
environment = aciml.EnvironmentImage(
    "onnx",
    aciml.EnvironmentImageArgs(
        login_server=registry.login_server,
        base_image="debian:bookworm-slim",
        packages=aciml.PackagesArgs(conda_file="conda.yml"),
    ),
)
service = aciml.ScoringService(
    "digits",
    aciml.ScoringServiceArgs(
        login_server=registry.login_server,
        environment_image=environment.image,
        source_directory="src",
        models={"digits": "models/digits.onnx"},
        memory_gb=1,
        server=aciml.ServerArgs(workers=1),
    ),
)

pulumi.export("scoring_uri", service.scoring_uri)
pulumi.export("image", service.image)
