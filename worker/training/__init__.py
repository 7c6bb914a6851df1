"""The science: data, losses, loop. A plain program that knows nothing of jobs, Redis or HTTP."""
