"""Where registries and services run; one protocol, and an implementation per target."""
