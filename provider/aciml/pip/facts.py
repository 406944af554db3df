"""Names in the catalog of what is known of wheels; apart, so that who looks one up loads nothing else."""

WHEEL_PATHS = "wheel-paths"
"""What a wheel brings, by its hash and where it goes."""

WHEEL_PLACES = "wheel-places"
"""Who gets what in an environment."""
