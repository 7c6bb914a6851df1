"""What a model is: recipe, networks, checkpoint format, shelf, sampling. Knows nothing of HTTP or jobs."""
