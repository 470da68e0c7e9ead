"""The regression gate: is one revision slower, larger or worse than another?"""
