"""From events to reconciliations: handlers, the work queue, and what is kept in memory between reconciliations."""
