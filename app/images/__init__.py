"""/generate, /inspect and OpenAI's image API: from a query to a picture, its location, its rules and its bytes."""
