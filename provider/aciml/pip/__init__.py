"""Edge to Python wheels: resolve with uv for the image's platform, fetch by hash, install with installer."""
