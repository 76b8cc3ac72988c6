"""One file per family of generative models; base.py says what a generative model is."""
