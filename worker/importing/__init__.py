"""Images that came, made into a data set. Runs alone, locked in: no torch, no Redis, no HTTP."""
