"""Webhooks: who is told of the ends of jobs, and telling them. By the rules of Standard Webhooks 1.0.0."""
