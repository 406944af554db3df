"""A stack on the memory target: packages by default and by choice, a model, keys, TLS, limits."""

import os

import pulumi

import pulumi_aciml as aciml

HOST, BASE = os.environ["REGISTRY"], os.environ["BASE"]

registry = aciml.Registry("models", aciml.RegistryArgs(name="models", delete_data=True))
environment = aciml.EnvironmentImage(
    "packages",
    aciml.EnvironmentImageArgs(
        login_server=HOST,
        base_image=BASE,
        glibc="2.31",
        packages=aciml.PackagesArgs(conda_file="conda.yml", server_requirements=False),
        layers=aciml.LayersArgs(keep_tags=5),
    ),
)
chosen = aciml.EnvironmentImage(
    "chosen",
    aciml.EnvironmentImageArgs(
        login_server=HOST,
        base_image=BASE,
        glibc="2.31",
        packages=aciml.PackagesArgs(
            conda_file="conda.yml",
            server_requirements=False,
            lock_mode=aciml.LockMode.AUTO,
            post_link=aciml.PostLink.IGNORE,
            exclude_newer="2025-01-01T00:00:00Z",
            virtual_packages={"__cuda": "12.4"},
        ),
        layers=aciml.LayersArgs(
            compression=aciml.Compression.NONE, preview=aciml.PreviewLayers.KNOWN, keep_tags=2, keep_days=7, sbom=False
        ),
    ),
)
service = aciml.ScoringService(
    "weights",
    aciml.ScoringServiceArgs(
        login_server=HOST,
        environment_image=environment.image,
        source_directory="src",
        models={"weights:2": "models/weights.txt"},
        name="weights",
        cpu_cores=float(os.environ.get("CORES", "0.5")),
        memory_gb=1,
        auth_enabled=True,
        rotate_primary_key="once",
        environment_variables={"MODE": "kept", "NUMBER": "1"},
        secure_environment_variables={"TOKEN": "a token that nobody sees"},
        startup_timeout=60,
        tls=aciml.TlsArgs(ssl_cert_pem_file="chain.pem", ssl_key_pem_file="key.pem", ssl_cname="scoring.example"),
        server=aciml.ServerArgs(
            workers=2,
            cors_origins=["https://page.example"],
            limits=aciml.LimitsArgs(scoring_timeout_ms=1500, max_in_flight=40),
            logs=aciml.LogArgs(log_format=aciml.LogFormat.JSON),
        ),
    ),
)
plain = aciml.ScoringService(
    "plain",
    aciml.ScoringServiceArgs(
        login_server=HOST, environment_image=environment.image, source_directory="src", name="plain", port=20500
    ),
)
pulumi.export("scoring_uri", service.scoring_uri)
pulumi.export("primary_key", service.primary_key)
pulumi.export("image", service.image)
pulumi.export("chosen", chosen.image)
pulumi.export("login_server", registry.login_server)
