"""A service that tells the language of a text."""

import pulumi

import pulumi_aciml as aciml

registry = aciml.Registry("models")
environment = aciml.EnvironmentImage(
    "text",
    aciml.EnvironmentImageArgs(
        login_server=registry.login_server,
        base_image="debian:bookworm-slim",
        # the Python is that of .python-version beside it
        packages=aciml.PackagesArgs(requirements_file="environment/requirements.txt"),
    ),
)
service = aciml.ScoringService(
    "language",
    aciml.ScoringServiceArgs(
        login_server=registry.login_server,
        environment_image=environment.image,
        source_directory="src",
        models={"language": "models/language.npz"},
        memory_gb=1,
        server=aciml.ServerArgs(workers=1),
    ),
)

pulumi.export("scoring_uri", service.scoring_uri)
pulumi.export("image", service.image)
