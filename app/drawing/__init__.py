"""From a request to pixels: models in memory, and batches of many requests."""
