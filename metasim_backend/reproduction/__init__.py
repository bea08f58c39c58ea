"""The published experiments again: paper's rows, prior, learned, oracle, over several seeds."""
