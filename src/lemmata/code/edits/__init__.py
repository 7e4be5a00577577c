"""Small edits of the document's code, to say where it parts from a formula.

definition --axes, arithmetic, words, moves--> edits --search--> those that make the code compute the formula
"""
