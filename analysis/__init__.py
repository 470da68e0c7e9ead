"""Reads results and draws them. Never imports torch, gan or bench."""
