"""Edge to any OCI registry, over HTTP."""
