"""Training from the document: its loss, its update rule and its schedule are executed; the loop around them is thin."""
