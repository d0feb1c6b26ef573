"""The steps of a reconciliation, a file for each kind and for what the kinds share."""
