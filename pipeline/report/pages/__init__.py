"""Choose what each page shows: one module per page, with the name of its template."""
