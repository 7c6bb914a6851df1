"""Hosts of a deployment on one machine: each a network namespace with a folder of its own, its network can be cut."""
