"""Train models: the shared loop, its diagnostics, CUDA graphs and resume files."""
