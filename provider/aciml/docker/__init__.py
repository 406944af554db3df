"""Edge to the Docker Engine: find it, build Dockerfile steps with it."""
