"""Every number explained: the table of quantities, worked examples, and the checker of hand computations."""
