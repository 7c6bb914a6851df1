"""What images come in: one module a kind of source. The bytes say which, never a name."""
