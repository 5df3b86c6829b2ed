"""Scripts behind the numbers in the docs; each can be run by anyone."""
