"""A page about one image: what is in it, what changed, what is shared, where the time went."""
