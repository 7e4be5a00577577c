"""The program that runs code cells, in a process of its own; `lemmata.code.process` starts and watches it."""
