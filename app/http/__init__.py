"""What every route shares: problems, negotiation, bodies, dependencies."""
