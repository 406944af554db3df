"""Revisions of a service on Docker Swarm, and Envoy in front of them."""
