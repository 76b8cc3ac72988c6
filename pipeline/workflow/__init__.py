"""Connect Snakemake and DVC: settings in, records out."""
