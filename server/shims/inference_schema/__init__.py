"""Equivalent of the package inference-schema 1.8 for environments without it: same names, schemas and conversions.

It needs neither wrapt nor pytz; dates are read with dateutil where it is installed. Source: inference-schema 1.8,
written anew.
"""

__version__ = "1.8+aciml"
