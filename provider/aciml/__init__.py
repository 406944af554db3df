"""The aciml provider: environments as images, and services that answer from them."""

__version__ = "0.2.0"
