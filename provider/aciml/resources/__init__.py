"""One module per custom resource: check, diff, create, read, update, delete."""
