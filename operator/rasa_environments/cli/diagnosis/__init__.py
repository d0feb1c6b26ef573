"""What is wrong with an installation: facts, which are read, and findings, which follow from them."""
