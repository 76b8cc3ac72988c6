"""Interpret the scores: summaries, verdicts, claims, alarms, and the sensitivity check of the metrics."""
