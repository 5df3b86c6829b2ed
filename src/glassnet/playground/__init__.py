"""The playground: a page that shows a network learn, and the server that trains it (`glassnet play`)."""
