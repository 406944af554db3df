"""A service on a base of a few megabytes: glibc, and nothing else."""

import pulumi

import pulumi_aciml as aciml

registry = aciml.Registry("models")
environment = aciml.EnvironmentImage(
    "slim",
    aciml.EnvironmentImageArgs(
        login_server=registry.login_server,
        # packages are solved before this is built, so the glibc that it brings has to be said
        dockerfile=aciml.DockerfileArgs(file="Dockerfile"),
        glibc="2.36",
        packages=aciml.PackagesArgs(conda_file="conda.yml"),
    ),
)
service = aciml.ScoringService(
    "diabetes",
    aciml.ScoringServiceArgs(
        login_server=registry.login_server,
        environment_image=environment.image,
        source_directory="src",
        models={"ridge": "models/ridge.json"},
        memory_gb=0.5,
        server=aciml.ServerArgs(workers=1),
    ),
)

pulumi.export("scoring_uri", service.scoring_uri)
pulumi.export("image", service.image)
