"""Evaluate images: the classifier, the feature spaces, the baselines, and every score."""
