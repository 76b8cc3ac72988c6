"""Plot every figure of the report."""
