"""What targets on this machine have in common: v1's defaults, no account, and whose things are whose."""
