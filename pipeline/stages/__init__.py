"""Run the steps of the workflow, one module per rule: read, call, write. Each is an ordinary command line."""
