"""Summaries of Ruchy modules. `summarise.py` is where to begin."""
