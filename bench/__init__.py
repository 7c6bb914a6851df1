"""Speed and memory, measured beside the peers in one run. Nothing here is imported by the service."""
