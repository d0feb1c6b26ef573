"""Log formatting for the operator and the model server: one line per record, as JSON or text."""
