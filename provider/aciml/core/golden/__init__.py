"""Golden predictions: requests with the answers that they have to get, and how far a number may be off."""
