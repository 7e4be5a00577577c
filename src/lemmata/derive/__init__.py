"""Derivatives of what a document defines: derived by the rules of matrix calculus, written in its own notation."""
