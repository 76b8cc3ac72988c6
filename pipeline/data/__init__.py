"""Fetch, verify and read labelled images."""
