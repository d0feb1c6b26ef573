"""Pure: what was seen, and what it means for a status."""
