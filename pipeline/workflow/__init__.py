"""Where Snakemake and DVC meet: settings in, records out."""
