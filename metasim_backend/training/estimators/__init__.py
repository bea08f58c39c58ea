"""Where the gradient of a distance between pictures comes from."""
