"""The names of the properties that say how the scoring server works: to every target they are variables, no more."""

from __future__ import annotations

SERVER_SETTINGS = (
    "workers", "preload", "scoringTimeoutMs", "maxInFlight", "queueTimeout", "maxBodyMb", "maxConnections",
    "clientTimeout", "keepAlive", "drainTimeout", "batchSize", "batchDelayMs", "warmUp", "responseCacheMb",
    "compressAnswers", "corsOrigins", "v1GatewayCodes", "pathPrefix", "serviceTitle", "serviceVersion", "docs",
    "metrics", "imageHeader", "healthPort", "logFormat", "logLevel", "accessLog", "logPayloads", "otlpEndpoint",
    "otlpHeaders",
)  # fmt: skip
