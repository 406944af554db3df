"""Edge to the local cache: the compressor, the store of blobs by digest, and the catalog of layers."""
