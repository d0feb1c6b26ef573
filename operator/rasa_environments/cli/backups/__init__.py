"""What a backup consists of: its directory, and how models and resources get back from it."""
