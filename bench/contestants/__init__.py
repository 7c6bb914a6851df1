"""One program for each contestant: it reads lines `<batch size> <steps>` and answers each with one JSON line.

The answer holds `rate` (images a second, or products a second for `sgemm`) and `peak_mb` (of resident memory so far).
"""
