"""Core terms become tensor programs at concrete sizes: binders become named axes."""
