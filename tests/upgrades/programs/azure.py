"""A stack on Azure: everything that a registry and a group in a subnet can have, and a small public group."""

import os

import pulumi

import pulumi_aciml as aciml

HOST, BASE = os.environ["REGISTRY"], os.environ["BASE"]
SUBSCRIPTION = os.environ["SUBSCRIPTION"]
IDENTITIES = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/emulated/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
)
ACCOUNT = aciml.RegistryCredentialArgs(server=HOST, username="puller", password="a password of the registry")

registry = aciml.Registry(
    "models",
    aciml.RegistryArgs(
        name="keptmodels",
        location="westeurope",
        tags={"team": "models"},
        azure=aciml.RegistryAzureArgs(
            sku=aciml.RegistrySku.PREMIUM,
            admin_user_enabled=True,
            retention_days=30,
            zone_redundancy=True,
            system_assigned_identity=True,
            network=aciml.RegistryNetworkArgs(
                ip_rules=["203.0.113.0/24"],
                default_action=aciml.DefaultAction.DENY,
                trusted_services_bypass=True,
                data_endpoint_enabled=True,
            ),
        ),
    ),
)
environment = aciml.EnvironmentImage(
    "packages",
    aciml.EnvironmentImageArgs(
        login_server=HOST,
        base_image=BASE,
        glibc="2.31",
        packages=aciml.PackagesArgs(conda_file="conda.yml", server_requirements=False),
        layers=aciml.LayersArgs(compression=aciml.Compression.ZSTD, keep_tags=3, keep_days=30),
    ),
)
inside = aciml.ScoringService(
    "inside",
    aciml.ScoringServiceArgs(
        login_server=HOST,
        environment_image=environment.image,
        source_directory="src",
        models={"weights:2": "models/weights.txt"},
        scripts={"other": "score.py"},
        name="kept-inside",
        cpu_cores=2,
        memory_gb=4,
        port=8443,
        auth_enabled=True,
        primary_key="the first key of a service that is kept",
        secondary_key="the second key of a service that is kept",
        environment_variables={"MODE": "kept", "NUMBER": "1"},
        secure_environment_variables={"TOKEN": "a token that nobody sees"},
        enable_app_insights=True,
        startup_timeout=120,
        rollback=False,
        location="westeurope",
        tags={"team": "models", "version": os.environ.get("TAG", "1")},
        properties={"purpose": "upgrades"},
        description="Kept from one release to the next",
        tls=aciml.TlsArgs(
            ssl_cert_pem_file="chain.pem",
            ssl_key_pem_file="key.pem",
            ssl_client_ca_pem_file="chain.pem",
            ssl_cname="scoring.example",
        ),
        server=aciml.ServerArgs(
            workers=2,
            preload=True,
            warm_up="[1]",
            path_prefix="/weights",
            health_port=9000,
            v1_gateway_codes=True,
            cors_origins=["https://page.example", "https://other.example"],
            response_cache_mb=16,
            compress_answers=True,
            limits=aciml.LimitsArgs(
                scoring_timeout_ms=1500,
                queue_timeout=20,
                client_timeout=30,
                keep_alive=15,
                drain_timeout=10,
                max_body_mb=50,
                max_in_flight=40,
                max_connections=300,
            ),
            batches=aciml.BatchArgs(batch_size=8, batch_delay_ms=2.5),
            logs=aciml.LogArgs(
                log_format=aciml.LogFormat.JSON, log_level=aciml.LogLevel.WARNING, access_log=False, log_payloads=True
            ),
            telemetry=aciml.TelemetryArgs(
                metrics=True,
                app_insights_connection_string=(
                    "InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint=https://insights.example/"
                ),
                otlp_endpoint="https://traces.example",
                otlp_headers="authorization=traces",
            ),
            documents=aciml.DocumentArgs(docs=False, service_title="Weights", service_version="7"),
        ),
        azure=aciml.AzureArgs(
            network=aciml.NetworkArgs(
                vnet_name="net",
                subnet_name="groups",
                ports=[aciml.PortArgs(port=9100, protocol=aciml.PortProtocol.TCP), aciml.PortArgs(port=9101)],
                dns_config=aciml.DnsConfigArgs(name_servers=["10.0.0.4"], search_domains="example", options="ndots:2"),
            ),
            encryption=aciml.EncryptionArgs(
                cmk_vault_base_url="https://kept.vault.azure.net", cmk_key_name="groups", cmk_key_version="1"
            ),
            identity=aciml.IdentityArgs(system_assigned=True, user_assigned=[f"{IDENTITIES}/runner"]),
            image_registry_credentials=[ACCOUNT],
            container=aciml.ContainerArgs(
                command=["/azureml-envs/aciml/bin/python", "-m", "aciml_server"],
                restart_policy=aciml.RestartPolicy.ON_FAILURE,
                zones=["1"],
                cpu_limit=2,
                memory_limit=4,
            ),
            liveness_probe=aciml.ProbeArgs(
                http_get=aciml.HttpGetArgs(
                    port=9000, path="/live", scheme=aciml.Scheme.HTTP, http_headers={"x-probe": "live"}
                ),
                initial_delay_seconds=20,
                period_seconds=15,
                failure_threshold=4,
                success_threshold=1,
                timeout_seconds=5,
            ),
            readiness_probe=aciml.ProbeArgs(exec=aciml.ExecArgs(command=["cat", "/tmp/ready"]), period_seconds=5),
            volumes=[
                aciml.VolumeArgs(
                    name="share",
                    azure_file=aciml.AzureFileArgs(
                        share_name="data",
                        storage_account_name="keptstorage",
                        storage_account_key="a2V5IG9mIHRoZSBzaGFyZQ==",
                        read_only=True,
                    ),
                ),
                aciml.VolumeArgs(name="scratch", empty_dir={}),
                aciml.VolumeArgs(name="hidden", secret={"token.txt": "a token in a file"}),
                aciml.VolumeArgs(
                    name="checkout",
                    git_repo=aciml.GitRepoArgs(
                        repository="https://git.example/data.git",
                        directory="data",
                        revision="0123456789abcdef0123456789abcdef01234567",
                    ),
                ),
            ],
            volume_mounts=[
                aciml.VolumeMountArgs(name="share", mount_path="/mnt/share", read_only=True),
                aciml.VolumeMountArgs(name="scratch", mount_path="/mnt/scratch"),
                aciml.VolumeMountArgs(name="hidden", mount_path="/mnt/hidden"),
                aciml.VolumeMountArgs(name="checkout", mount_path="/mnt/code"),
            ],
            init_containers=[
                aciml.InitContainerArgs(
                    name="before",
                    image="mcr.microsoft.com/mirror/docker/library/busybox:1.35",
                    command=["sh", "-c", "echo before > /scratch/before"],
                    environment_variables={"A": "1"},
                    secure_environment_variables={"B": "hidden from all"},
                    volume_mounts=[aciml.VolumeMountArgs(name="scratch", mount_path="/scratch")],
                )
            ],
            log_analytics=aciml.LogAnalyticsArgs(
                workspace_id="00000000-0000-0000-0000-000000000002",
                workspace_key="d29ya3NwYWNlIGtleQ==",
                log_type=aciml.LogType.CONTAINER_INSTANCE_LOGS,
                metadata={"source": "kept"},
            ),
        ),
    ),
)
public = aciml.ScoringService(
    "public",
    aciml.ScoringServiceArgs(
        login_server=HOST,
        environment_image=environment.image,
        source_directory="src",
        name="kept-public",
        port=8080,
        auth_enabled=True,
        startup_timeout=30,
        smoke_test=aciml.SmokeTestArgs(body="[1]", content_type="application/json", expect_json={"length": 3}),
        azure=aciml.AzureArgs(
            dns_name_label="kept-public",
            network=aciml.NetworkArgs(dns_name_label_scope=aciml.DnsNameLabelScope.UNSECURE),
            image_registry_credentials=[ACCOUNT],
        ),
    ),
)
pulumi.export("fqdn", public.fqdn)
pulumi.export("primary_key", public.primary_key)
pulumi.export("image", inside.image)
pulumi.export("login_server", registry.login_server)
