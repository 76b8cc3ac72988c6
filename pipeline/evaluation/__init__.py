"""The evaluation: the classifier, feature spaces, baselines, and every score of a set of images."""
