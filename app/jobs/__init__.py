"""Training jobs over HTTP."""
