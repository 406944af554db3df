"""Make what is missing of an image, and push it."""
