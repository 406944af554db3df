"""Azure Resource Manager: session, login, errors, polling."""
