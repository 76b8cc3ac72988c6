"""What the scores say: summaries, verdicts, claims, alarms, and whether the metrics can be trusted."""
