"""Azure Container Instances: container groups."""
