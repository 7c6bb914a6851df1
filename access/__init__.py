"""Keys, limits and use: who may ask for what, and how much of it, in Redis and in memory."""
