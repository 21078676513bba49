"""Turns the crank: takes commands in, decides them in batches, commits, and tells who asked."""
