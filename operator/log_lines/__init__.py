"""Log lines of the operator and of the model server: one record, one line, in JSON or as text."""
