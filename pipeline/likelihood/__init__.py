"""Ask models how probable real images are."""
