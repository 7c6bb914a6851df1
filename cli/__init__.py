"""The command `digitforge`."""
