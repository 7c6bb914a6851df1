"""From a source of images to pixels: models in memory, and batches that many requests share."""
