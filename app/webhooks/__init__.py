"""Webhooks over HTTP: register, list, rotate, test and delete them, and what became of a job's messages."""
