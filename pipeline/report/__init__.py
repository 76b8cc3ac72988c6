"""The report: a finished run in, a static site out."""
