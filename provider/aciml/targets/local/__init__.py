"""The local target: registry:2 and containers in this machine's Docker."""
