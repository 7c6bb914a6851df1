"""One program for each peer of the serving bench: `<program> <port>` serves PNG grids of the shipped model.

Each is what its documentation leads a user to: a generator of PyTorch modules, and a PNG by Pillow.
"""
