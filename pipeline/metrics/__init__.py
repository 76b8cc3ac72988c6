"""Arrays in, numbers out; one module for each question asked of the samples. Nothing here imports torch."""
