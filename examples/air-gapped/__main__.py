"""A service whose packages are pinned by a lock and come from a folder: nobody asks the internet."""

import pulumi

import pulumi_aciml as aciml

# in the stack config, where `aciml lock` reads it as well
config = aciml.read_config({"environment": aciml.EnvironmentImageArgs}, wired={"environment": {"login_server"}})

registry = aciml.Registry("models")
environment = aciml.EnvironmentImage(
    "locked", aciml.EnvironmentImageArgs(login_server=registry.login_server, **config.environment)
)
service = aciml.ScoringService(
    "situps",
    aciml.ScoringServiceArgs(
        login_server=registry.login_server,
        environment_image=environment.image,
        source_directory="src",
        models={"line": "models/line.json"},
        memory_gb=1,
        server=aciml.ServerArgs(workers=1),
    ),
)

pulumi.export("scoring_uri", service.scoring_uri)
pulumi.export("image", service.image)
