"""The v1 contract: load a script, hand requests to its ``run``, turn results into answers. Knows nothing of sockets."""
