"""Pictures by URL, and what a picture tells of itself."""
