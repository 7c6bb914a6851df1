"""Imported data sets: list, look at, download and delete them."""
