"""The suite's step beside those that others write: one update, timed in turns in one process.

A peer is built from a ``Start`` (weights and batches, drawn beforehand) and takes whole steps of
Algorithm 1. Before anything is timed, every peer has to have computed the suite's own update.
"""
