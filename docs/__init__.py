"""Pages that are made of the package itself."""
