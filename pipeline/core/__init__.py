"""Settings, file formats, and what else every room needs."""
