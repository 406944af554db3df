"""Container apps of a subscription, a file a noun."""
