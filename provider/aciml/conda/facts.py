"""Names in the catalog of what is known of conda packages; apart, so that who looks one up loads nothing else."""

PATHS = "conda-paths"
"""Facts by package: its paths, as a list."""

KINDS = "conda-kinds"
"""Facts by package: which of its paths are links, with their targets, and which are folders; all others are files."""

LISTED = "conda-listed"
"""Facts by package: kind by path as its channel lists them, without targets of links; asked before it is fetched."""

PLACES = "conda-places"
"""Facts by lock: where the paths go that packages share."""

RENAMES = "conda-renames"
"""Facts by lock that versions up to 0.2 kept instead of ``PLACES``: by package the paths it yields."""
