"""One module per page, called as its template is: results in, what the page shows out."""
