"""Azure Container Registry."""
