import * as pulumi from "@pulumi/pulumi";
import * as aciml from "pulumi-aciml";

const secret = new pulumi.Config().requireSecret("token");
const home = new aciml.Provider("home", { target: aciml.types.enums.Target.Local });
const registry = new aciml.Registry("models", { name: "tsmodels", deleteData: true });
const probe: aciml.types.input.ProbeArgs = { httpGet: { port: 5000, path: "/live" }, periodSeconds: 10 };
const environment = new aciml.EnvironmentImage(
    "sklearn",
    {
        loginServer: registry.loginServer,
        baseImage: "debian:bookworm-slim",
        steps: { lines: ["RUN true", pulumi.interpolate`RUN echo ${registry.loginServer}`] },
        packages: { condaFile: "conda.yml", lockMode: aciml.types.enums.LockMode.Auto },
        layers: { compression: "zstd" },
    },
    { providers: { aciml: home } },
);
const service = new aciml.ScoringService(
    "diabetes",
    {
        name: "tsdiabetes",
        loginServer: registry.loginServer,
        environmentImage: environment.image,
        sourceDirectory: "src",
        cpuCores: 1,
        secureEnvironmentVariables: { TOKEN: secret },
        server: {
            limits: { scoringTimeoutMs: 60_000 },
            logs: { logFormat: aciml.types.enums.LogFormat.Json },
            telemetry: { otlpEndpoint: "http://127.0.0.1:9", otlpHeaders: secret },
        },
        azure: {
            livenessProbe: probe,
            volumes: [{ name: "tables", azureFile: { shareName: "tables", storageAccountName: "tables", storageAccountKey: secret } }],
            volumeMounts: [{ name: "tables", mountPath: "/mnt/tables" }],
            rollout: aciml.types.enums.Rollout.BlueGreen,
        },
    },
    { providers: [home], protect: true, ignoreChanges: ["cpuCores"] },
);
const group = new aciml.compute.ContainerGroup("bare", { name: "tsbare", image: service.image, livenessProbe: probe });
export const uris: pulumi.Output<string>[] = [service.scoringUri, group.scoringUri];
export const key: pulumi.Output<string | undefined> = service.primaryKey;
