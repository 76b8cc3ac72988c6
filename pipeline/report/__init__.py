"""Render the report: a static site made from the results of a finished run."""
