"""The check on a GPU: `scripts/gpu-check`. Each module is one part, a program that prints what it found as JSON."""
