"""What callers have used."""
