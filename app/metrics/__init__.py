"""What this API has done and how it is: measured where it happens, added up over its processes, for Prometheus."""
