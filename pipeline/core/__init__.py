"""Hold what every other package needs: settings, file formats, shapes and names."""
