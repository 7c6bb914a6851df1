"""The models that can be drawn from, over HTTP."""
