"""Decides which findings to tell whom, writes the texts, and sees that each arrives."""
