"""What registries know and tell: bases, layers made before, who holds which image."""
