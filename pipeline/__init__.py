"""Generative models of images, trained alike, compared alike, reported in one static site."""
