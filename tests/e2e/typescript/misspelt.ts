import * as aciml from "pulumi-aciml";

new aciml.ScoringService("diabetes", {
    loginServer: "127.0.0.1:5000",
    environmentImage: "127.0.0.1:5000/a@sha256:0",
    sourceDirectory: "src",
    cpuCoers: 1,
});
new aciml.ScoringService("iris", {
    loginServer: "127.0.0.1:5000",
    environmentImage: "127.0.0.1:5000/a@sha256:0",
    sourceDirectory: "src",
    azure: { livenessProbe: { httpGet: { prot: 5000 } } },
});
new aciml.EnvironmentImage("sklearn", {
    loginServer: "127.0.0.1:5000",
    layers: { compression: "ztsd" },
});
