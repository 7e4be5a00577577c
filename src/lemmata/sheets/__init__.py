"""A document's definitions as workbooks: every matrix step a live formula, in the author's order."""
