"""One module for each rule of the workflow: read, call, write. Each is an ordinary command line."""
