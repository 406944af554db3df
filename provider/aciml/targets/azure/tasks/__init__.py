"""ACR Tasks: extra steps without Docker on this machine."""
