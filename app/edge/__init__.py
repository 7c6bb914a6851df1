"""What every request passes before it reaches a route: the parser, and pure ASGI middleware of one job each."""
