"""Edge to conda: solve with rattler, install into a staging folder, hand the files over to layers."""
