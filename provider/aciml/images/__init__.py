"""Put images together: base, steps, conda, pip, application; what is known is neither made nor pushed again."""
