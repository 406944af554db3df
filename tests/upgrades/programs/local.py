"""A stack on the local target: a registry with its volume, an environment, a service with a key and variables."""

import os

import pulumi

import pulumi_aciml as aciml

registry = aciml.Registry("models", aciml.RegistryArgs(name=os.environ["NAME"]))
environment = aciml.EnvironmentImage(
    "python",
    aciml.EnvironmentImageArgs(
        login_server=registry.login_server,
        base_image=os.environ["BASE"],
        glibc="2.31",
        packages=aciml.PackagesArgs(conda_file="python.yml", server_requirements=False),
    ),
)
service = aciml.ScoringService(
    "weights",
    aciml.ScoringServiceArgs(
        login_server=registry.login_server,
        environment_image=environment.image,
        source_directory="src",
        models={"weights:2": "models/weights.txt"},
        name=os.environ["NAME"],
        cpu_cores=float(os.environ.get("CORES", "0.5")),
        memory_gb=1,
        auth_enabled=True,
        environment_variables={"MODE": "kept"},
        secure_environment_variables={"TOKEN": "a token that nobody sees"},
        startup_timeout=60,
    ),
)
pulumi.export("scoring_uri", service.scoring_uri)
pulumi.export("primary_key", service.primary_key)
pulumi.export("image", service.image)
pulumi.export("login_server", registry.login_server)
