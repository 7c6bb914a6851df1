"""HTTP in, HTTP out. Routes are adapters: validate, call one thing, translate."""
